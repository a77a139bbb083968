//! One computation for many clients.

use futures_util::future::join_all;
use larder::Cache;
use support::deployment::shared;
use support::http::is_empty;
use support::stores::{caches, in_time, on, settle, unique};
use tokio::io::AsyncReadExt;

use super::app::{App, answers, crowd, serve};

/// Two caches with one prefix, which are two processes to Redis.
async fn pair() -> [Cache; 2] {
    let prefix = unique("engine");
    let one = || on(shared()).prefix(&prefix).require_redis(true).build();
    [one().await.expect("a cache"), one().await.expect("a cache")]
}

#[tokio::test]
async fn the_handler_runs_once_for_a_hundred_concurrent_clients() {
    for cache in &caches().await {
        let app = App::new(cache);
        let server = serve(&app).await;
        let crowd = crowd(server, "/1", 100);
        app.first.arrived(1).await;
        settle(cache).await;
        app.first.open();
        let answers = answers(crowd).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.text() == "0"), "{cache:?}");
        assert_eq!(answers.iter().filter(|answer| answer.x_cache() == "MISS").count(), 1, "{cache:?}");
        assert!(answers.iter().all(|answer| ["HIT", "MISS"].contains(&answer.x_cache())), "{cache:?}");
        assert!(answers.iter().all(|answer| answer.tag() == answers[0].tag()), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn the_handler_runs_once_for_two_processes() {
    let caches = pair().await;
    let app = App::new(&caches[0]);
    let other = App::free(&caches[1]);
    let servers = [serve(&app).await, serve(&other).await];
    let crowds = servers.map(|server| crowd(server, "/1", 50));
    // The handler of the other process does not stop, so that a call would be counted.
    app.first.open();
    let mut all = Vec::new();
    for crowd in crowds {
        all.extend(answers(crowd).await);
    }
    assert!(all.iter().all(|answer| answer.status == 200 && answer.text() == "0"));
    assert_eq!(app.calls.count() + other.calls.count(), 1);
}

#[tokio::test]
async fn concurrent_users_each_get_their_own_response() {
    for cache in &caches().await {
        let app = App::new(cache);
        let server = serve(&app).await;
        for (path, header) in [("/own", "authorization"), ("/language", "accept-language")] {
            let calls = app.calls.count();
            let crowd: Vec<_> = (0..60)
                .map(|client| {
                    tokio::spawn(async move {
                        let user = format!("user{}", client % 6);
                        (server.get_with(path, &[(header, &user)]).await, user)
                    })
                })
                .collect();
            app.first.arrived(calls + 1).await;
            settle(cache).await;
            app.first.open();
            for answer in in_time(join_all(crowd)).await {
                let (answer, user) = answer.expect("no panic");
                assert_eq!(
                    (answer.status, answer.text()),
                    (200, format!("Some({user:?})").as_str()),
                    "{cache:?}"
                );
            }
            assert_eq!(app.calls.count() - calls, 6, "{cache:?} {path}");
            for user in ["user0", "user5"] {
                let answer = server.get_with(path, &[(header, user)]).await;
                assert_eq!(answer.brief(), ("HIT", format!("Some({user:?})").as_str()), "{cache:?}");
            }
            let x_cache = if path == "/own" { "BYPASS" } else { "MISS" };
            assert_eq!(server.get(path).await.brief(), (x_cache, "None"), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_is_not_stored_and_no_client_hangs() {
    for cache in &caches().await {
        for status in [500, 503, 404] {
            let app = App::new(cache);
            app.fails_with(status);
            let server = serve(&app).await;
            let crowd = crowd(server, "/1", 20);
            app.first.arrived(1).await;
            settle(cache).await;
            app.first.open();
            app.others.open();
            for answer in answers(crowd).await {
                assert_eq!((answer.status, answer.x_cache()), (status, "BYPASS"), "{cache:?}");
            }
            assert!(is_empty(cache).await, "{cache:?}");
            app.fails_with(200);
            assert_eq!(server.get("/1").await.x_cache(), "MISS", "{cache:?}");
            cache.clear().await.expect("cleared");
        }
    }
}

#[tokio::test]
async fn clients_that_wait_for_an_unstorable_response_run_concurrently() {
    for cache in &caches().await {
        // A status that is not stored, a response that forbids storing, and a failure.
        for (path, status) in [("/1", 404), ("/not-stored", 200), ("/1", 500)] {
            let app = App::new(cache);
            app.fails_with(status);
            let server = serve(&app).await;
            let crowd = crowd(server, path, 30);
            app.first.arrived(1).await;
            settle(cache).await;
            app.first.open();
            // All handlers run concurrently.
            app.others.arrived(29).await;
            app.others.open();
            let answers = answers(crowd).await;
            assert!(
                answers.iter().all(|answer| answer.status == status && answer.x_cache() == "BYPASS"),
                "{cache:?}"
            );
            assert_eq!(app.calls.count(), 30, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_head_or_range_request_causes_no_further_calls() {
    let part: (&str, &[(&str, &str)]) = ("GET", &[("range", "bytes=0-0")]);
    for cache in &caches().await {
        for (method, headers) in [("HEAD", &[][..]), part] {
            let app = App::new(cache);
            let server = serve(&app).await;
            // The request is first, and later requests wait for a computation of their own.
            let odd = tokio::spawn(async move { server.send(method, "/1", headers, "").await });
            app.first.arrived(1).await;
            let crowd = crowd(server, "/1", 20);
            app.others.arrived(1).await;
            settle(cache).await;
            app.first.open();
            let odd = in_time(odd).await.expect("no panic");
            assert_eq!((odd.status, odd.x_cache()), (200, "BYPASS"), "{cache:?}");
            // Further ones do not wait.
            let odds: Vec<_> = (0..5)
                .map(|_| tokio::spawn(async move { server.send(method, "/1", headers, "").await }))
                .collect();
            app.others.arrived(6).await;
            app.others.open();
            answers(odds).await;
            assert!(answers(crowd).await.iter().all(|answer| answer.text() == "1"), "{cache:?}");
            assert_eq!(app.calls.count(), 7, "{cache:?}");
            assert_eq!(server.get("/1").await.brief(), ("HIT", "1"), "{cache:?}");
            cache.clear().await.expect("cleared");
        }
    }
}

#[tokio::test]
async fn a_head_or_range_request_causes_no_further_calls_in_two_processes() {
    let caches = pair().await;
    for (path, status) in [("/1", 404), ("/not-stored", 200)] {
        let apps = [App::new(&caches[0]), App::new(&caches[1])];
        apps.iter().for_each(|app| app.fails_with(status));
        let servers = [serve(&apps[0]).await, serve(&apps[1]).await];
        let first = crowd(servers[0], path, 1);
        apps[0].first.arrived(1).await;
        let second = crowd(servers[1], path, 10);
        settle(&caches[1]).await;
        apps[0].first.open();
        apps[1].first.arrived(1).await;
        apps[1].first.open();
        apps[1].others.arrived(9).await;
        apps[1].others.open();
        for answer in answers(first.into_iter().chain(second).collect()).await {
            assert_eq!((answer.status, answer.x_cache()), (status, "BYPASS"));
        }
    }
}

#[tokio::test]
async fn a_client_that_disconnects_during_a_miss() {
    for cache in &caches().await {
        let app = App::new(cache);
        app.others.open();
        let server = serve(&app).await;
        let leader = server.open("GET", "/1", &[], "").await;
        app.first.arrived(1).await;
        let followers = crowd(server, "/1", 10);
        settle(cache).await;
        drop(leader);
        for answer in answers(followers).await {
            assert_eq!((answer.status, answer.text()), (200, "1"), "{cache:?}");
        }
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        assert_eq!(server.get("/1").await.brief(), ("HIT", "1"), "{cache:?}");
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
        // A waiter that disconnects affects no other client.
        let app = App::new(cache);
        let server = serve(&app).await;
        let leader = crowd(server, "/2", 1);
        app.first.arrived(1).await;
        let follower = server.open("GET", "/2", &[], "").await;
        settle(cache).await;
        drop(follower);
        app.first.open();
        assert_eq!(answers(leader).await[0].brief(), ("MISS", "0"), "{cache:?}");
        assert_eq!(server.get("/2").await.brief(), ("HIT", "0"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_client_that_disconnects_during_a_body() {
    for cache in &caches().await {
        let app = App::new(cache);
        let server = serve(&app).await;
        let mut leader = server.open("GET", "/parts", &[], "").await;
        let mut head = Vec::new();
        while !head.ends_with(b"first\r\n") {
            head.push(in_time(leader.read_u8()).await.expect("a part"));
        }
        let followers = crowd(server, "/parts", 10);
        settle(cache).await;
        drop(leader);
        settle(cache).await;
        app.first.open();
        for answer in answers(followers).await {
            assert_eq!((answer.status, answer.brief()), (200, ("HIT", "firstsecond")), "{cache:?}");
        }
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}
