//! What holds for values holds for responses: once, old ones in time, nobody hangs, and no trouble of Redis is a client's.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey, cache};
use support::http::{Answer, Server, is_empty};
use support::proxy::{FaultProxy, Mode};
use support::redis::{RedisServer, shared};
use support::tiers::{Calls, Gate, LONG, caches, caches_with, counts, hasty, in_time, on, settle, unique};
use support::wait::eventually_async;
use tokio::io::AsyncReadExt;

/// What the handlers answer with, and where they stop.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    cache: Cache,
    calls: Calls,
    /// Where the first stops, if any does.
    first: Gate,
    /// Where the others stop.
    others: Gate,
    stops: AtomicBool,
    status: AtomicU16,
}

impl IgnoreInKey for App {}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    fn new(cache: &Cache) -> Self {
        Self(Arc::new(Shared {
            cache: cache.clone(),
            calls: Calls::default(),
            first: Gate::default(),
            others: Gate::default(),
            stops: AtomicBool::new(true),
            status: AtomicU16::new(200),
        }))
    }

    /// One whose handlers stop nowhere.
    fn free(cache: &Cache) -> Self {
        let app = Self::new(cache);
        app.stops.store(false, SeqCst);
        app
    }

    fn fails_with(&self, status: u16) {
        self.status.store(status, SeqCst);
    }

    async fn make(&self) -> Response {
        let before = self.calls.add();
        if self.stops.load(SeqCst) {
            if before == 0 { self.first.pass().await } else { self.others.pass().await }
        }
        let status = StatusCode::from_u16(self.status.load(SeqCst)).expect("a status");
        (status, before.to_string()).into_response()
    }
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn page(Path(id): Path<u64>, app: State<App>) -> Response {
    let _ = id;
    app.make().await
}

#[cache(response, expire = "1m", private, cache = app.cache)]
async fn own(app: State<App>, headers: HeaderMap) -> String {
    app.calls.add();
    app.first.pass().await;
    format!("{:?}", headers.get("authorization"))
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn by_language(app: State<App>, headers: HeaderMap) -> Response {
    app.calls.add();
    app.first.pass().await;
    ([("vary", "accept-language")], format!("{:?}", headers.get("accept-language"))).into_response()
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn not_kept(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "no-store")], response).into_response()
}

#[cache(response, expire = "1m", stale_while_revalidate = "1h", cache = app.cache)]
async fn swr(app: State<App>) -> Response {
    app.make().await
}

#[cache(response, expire = "1m", stale_if_error = "1h", cache = app.cache)]
async fn sie(app: State<App>) -> Response {
    app.make().await
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn says_sie(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "stale-if-error=3600, stale-while-revalidate=0")], response).into_response()
}

#[cache(response, expire = "1m", stale_if_error = "1h", cache = app.cache)]
async fn strict(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "must-revalidate")], response).into_response()
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn in_two_parts(app: State<App>) -> Response {
    app.calls.add();
    let second = app.clone();
    let parts =
        stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]).chain(stream::once(async move {
            second.first.pass().await;
            Ok(Bytes::from_static(b"second"))
        }));
    Response::new(Body::from_stream(parts))
}

async fn serve(app: &App) -> Server {
    let router = Router::new()
        .route("/{id}", get(page))
        .route("/own", get(own))
        .route("/language", get(by_language))
        .route("/not-kept", get(not_kept))
        .route("/swr", get(swr))
        .route("/sie", get(sie))
        .route("/says-sie", get(says_sie))
        .route("/strict", get(strict))
        .route("/parts", get(in_two_parts))
        .with_state(app.clone());
    Server::start(router).await
}

/// Two processes that share a prefix.
async fn pair() -> [Cache; 2] {
    let prefix = unique("engine");
    let one = || on(shared()).prefix(&prefix).require_redis(true).build();
    [one().await.expect("a cache"), one().await.expect("a cache")]
}

async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

/// Clients that ask at the same time, and do not wait for one another.
fn crowd(server: Server, path: &'static str, clients: usize) -> Vec<tokio::task::JoinHandle<Answer>> {
    (0..clients).map(|_| tokio::spawn(async move { server.get(path).await })).collect()
}

async fn answers(crowd: Vec<tokio::task::JoinHandle<Answer>>) -> Vec<Answer> {
    in_time(join_all(crowd)).await.into_iter().map(|answer| answer.expect("no panic")).collect()
}

#[tokio::test]
async fn seed_c1_a_hundred_at_once_and_the_handler_runs_once() {
    for cache in &caches().await {
        let app = App::new(cache);
        let server = serve(&app).await;
        let crowd = crowd(server, "/1", 100);
        app.first.arrived(1).await;
        settle(cache).await;
        app.first.open();
        let answers = answers(crowd).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.text() == "0"), "{cache:?}");
        assert_eq!(answers.iter().filter(|answer| answer.from() == "MISS").count(), 1, "{cache:?}");
        assert!(answers.iter().all(|answer| ["HIT", "MISS"].contains(&answer.from())), "{cache:?}");
        assert!(answers.iter().all(|answer| answer.tag() == answers[0].tag()), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn seed_c2_two_processes_and_the_handler_runs_once() {
    let caches = pair().await;
    let app = App::new(&caches[0]);
    let other = App::free(&caches[1]);
    let servers = [serve(&app).await, serve(&other).await];
    let crowds = servers.map(|server| crowd(server, "/1", 50));
    // The other one's handler does not stop, so that it is seen if it runs.
    app.first.open();
    let mut all = Vec::new();
    for crowd in crowds {
        all.extend(answers(crowd).await);
    }
    assert!(all.iter().all(|answer| answer.status == 200 && answer.text() == "0"));
    assert_eq!(app.calls.count() + other.calls.count(), 1);
}

#[tokio::test]
async fn a_crowd_of_several_users_and_each_gets_its_own() {
    for cache in &caches().await {
        let app = App::new(cache);
        let server = serve(&app).await;
        for (path, header) in [("/own", "authorization"), ("/language", "accept-language")] {
            let calls = app.calls.count();
            let crowd: Vec<_> = (0..60)
                .map(|client| {
                    tokio::spawn(async move {
                        let user = format!("user{}", client % 6);
                        (server.ask(path, &[(header, &user)]).await, user)
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
                let answer = server.ask(path, &[(header, user)]).await;
                assert_eq!(answer.told(), ("HIT", format!("Some({user:?})").as_str()), "{cache:?}");
            }
            assert_eq!(server.get(path).await.told(), ("MISS", "None"), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn seed_c3_a_failure_is_not_kept_and_nobody_waits_for_ever() {
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
                assert_eq!((answer.status, answer.from()), (status, "BYPASS"), "{cache:?}");
            }
            assert!(is_empty(cache).await, "{cache:?}");
            app.fails_with(200);
            assert_eq!(server.get("/1").await.from(), "MISS", "{cache:?}");
            cache.clear().await.expect("cleared");
        }
    }
}

#[tokio::test]
async fn who_waits_for_what_is_not_kept_runs_at_once() {
    for cache in &caches().await {
        // A status that is not kept, a response that says so, and a failure.
        for (path, status) in [("/1", 404), ("/not-kept", 200), ("/1", 500)] {
            let app = App::new(cache);
            app.fails_with(status);
            let server = serve(&app).await;
            let crowd = crowd(server, path, 30);
            app.first.arrived(1).await;
            settle(cache).await;
            app.first.open();
            // All of them stand there together: none waits for another.
            app.others.arrived(29).await;
            app.others.open();
            let answers = answers(crowd).await;
            assert!(
                answers.iter().all(|answer| answer.status == status && answer.from() == "BYPASS"),
                "{cache:?}"
            );
            assert_eq!(app.calls.count(), 30, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn who_asks_for_a_head_or_a_part_scatters_nobody() {
    let part: (&str, &[(&str, &str)]) = ("GET", &[("range", "bytes=0-0")]);
    for cache in &caches().await {
        for (method, headers) in [("HEAD", &[][..]), part] {
            let app = App::new(cache);
            let server = serve(&app).await;
            // It is first, and those who come meanwhile have one of their own to wait for.
            let odd = tokio::spawn(async move { server.send(method, "/1", headers, "").await });
            app.first.arrived(1).await;
            let crowd = crowd(server, "/1", 20);
            app.others.arrived(1).await;
            settle(cache).await;
            app.first.open();
            let odd = in_time(odd).await.expect("no panic");
            assert_eq!((odd.status, odd.from()), (200, "BYPASS"), "{cache:?}");
            // And more of them wait for nobody.
            let odds: Vec<_> = (0..5)
                .map(|_| tokio::spawn(async move { server.send(method, "/1", headers, "").await }))
                .collect();
            app.others.arrived(6).await;
            app.others.open();
            answers(odds).await;
            assert!(answers(crowd).await.iter().all(|answer| answer.text() == "1"), "{cache:?}");
            assert_eq!(app.calls.count(), 7, "{cache:?}");
            assert_eq!(server.get("/1").await.told(), ("HIT", "1"), "{cache:?}");
            cache.clear().await.expect("cleared");
        }
    }
}

#[tokio::test]
async fn heads_and_parts_of_old_responses() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        server.get("/swr").await;
        server.get("/sie").await;
        server.get("/1").await;
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        for (path, from, status) in [("/swr", "STALE", 200), ("/sie", "STALE", 200), ("/1", "BYPASS", 500)] {
            let head = server.send("HEAD", path, &[], "").await;
            assert_eq!((head.status, head.from()), (status, from), "{cache:?} {path}");
            let part = server.ask(path, &[("range", "bytes=0-0")]).await;
            assert_eq!(
                (part.status, part.from()),
                (if status == 200 { 206 } else { 500 }, from),
                "{cache:?} {path}"
            );
        }
        app.fails_with(200);
        let head = server.send("HEAD", "/sie", &[], "").await;
        assert_eq!((head.status, head.from()), (200, "BYPASS"), "{cache:?}");
    }
}

#[tokio::test]
async fn in_two_processes_too() {
    let caches = pair().await;
    for (path, status) in [("/1", 404), ("/not-kept", 200)] {
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
            assert_eq!((answer.status, answer.from()), (status, "BYPASS"));
        }
    }
}

#[tokio::test]
async fn seed_c4_an_old_response_is_served_at_once_and_renewed_once() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache);
        app.first.open();
        let server = serve(&app).await;
        let miss = server.get("/swr").await;
        assert_eq!(miss.told(), ("MISS", "0"), "{cache:?}");
        assert_eq!(
            miss.header("cache-control"),
            Some("max-age=60, stale-while-revalidate=3600"),
            "{cache:?}"
        );
        assert_eq!(server.get("/swr").await.told(), ("HIT", "0"), "{cache:?}");
        clock.advance(Duration::from_secs(61));
        for answer in answers(crowd(server, "/swr", 50)).await {
            assert_eq!((answer.status, answer.told()), (200, ("STALE", "0")), "{cache:?}");
            assert_eq!((answer.max_age(), answer.tag()), (Some(0), miss.tag()), "{cache:?}");
        }
        app.others.arrived(1).await;
        assert_eq!(server.get("/swr").await.told(), ("STALE", "0"), "{cache:?}");
        let same = server.ask("/swr", &[("if-none-match", miss.tag())]).await;
        assert_eq!((same.status, same.from()), (304, "STALE"), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        app.others.open();
        eventually_async(LONG, || async { server.get("/swr").await.told() == ("HIT", "1") }).await;
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        // Who wants a new one gets it.
        clock.advance(Duration::from_secs(61));
        let asked = server.ask("/swr", &[("cache-control", "max-age=10")]).await;
        assert_eq!(asked.told(), ("MISS", "2"), "{cache:?}");
        assert_eq!(server.get("/swr").await.told(), ("HIT", "2"), "{cache:?}");
        // When the time for old ones is over too.
        clock.advance(Duration::from_secs(3700));
        assert_eq!(server.get("/swr").await.told(), ("MISS", "3"), "{cache:?}");
    }
}

#[tokio::test]
async fn an_old_response_stays_when_its_renewal_fails() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        server.get("/swr").await;
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        assert_eq!(server.get("/swr").await.told(), ("STALE", "0"), "{cache:?}");
        eventually_async(LONG, || async { app.calls.count() == 2 && cache.health().await.background == 0 })
            .await;
        let answer = server.get("/swr").await;
        assert_eq!((answer.status, answer.told()), (200, ("STALE", "0")), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}: it is left in peace for a while");
        app.fails_with(200);
        let renewed = server.ask("/swr", &[("cache-control", "no-cache")]).await;
        assert_eq!(renewed.told(), ("MISS", "2"), "{cache:?}");
        assert_eq!(server.get("/swr").await.told(), ("HIT", "2"), "{cache:?}");
    }
}

#[tokio::test]
async fn errors_of_the_server_are_not_seen_while_there_is_an_old_response() {
    for path in ["/sie", "/says-sie"] {
        let (caches, clock) = clocked().await;
        for cache in &caches {
            let app = App::free(cache);
            let server = serve(&app).await;
            let miss = server.get(path).await;
            assert_eq!(miss.told(), ("MISS", "0"), "{cache:?}");
            assert_eq!(
                miss.header("cache-control"),
                Some("max-age=60, stale-if-error=3600"),
                "{cache:?} {path}"
            );
            clock.advance(Duration::from_secs(61));
            app.fails_with(503);
            for _ in 0..3 {
                let answer = server.get(path).await;
                assert_eq!((answer.status, answer.told()), (200, ("STALE", "0")), "{cache:?} {path}");
            }
            // After a failure it is left in peace for a while.
            assert_eq!(app.calls.count(), 2, "{cache:?} {path}");
            app.fails_with(200);
            // On Redis the rest of another process goes by the server's clock, so who asks has to insist.
            let renewed = server.ask(path, &[("cache-control", "no-cache")]).await;
            assert_eq!(renewed.told(), ("MISS", "2"), "{cache:?} {path}");
            assert_eq!(server.get(path).await.told(), ("HIT", "2"), "{cache:?} {path}");
            // An error that is the client's is an answer.
            clock.advance(Duration::from_secs(61));
            app.fails_with(404);
            let answer = server.get(path).await;
            assert_eq!((answer.status, answer.from()), (404, "BYPASS"), "{cache:?} {path}");
            app.fails_with(500);
            assert_eq!(server.get(path).await.status, 500, "{cache:?} {path}: what was there is gone");
        }
    }
}

#[tokio::test]
async fn what_must_be_validated_is_not_served_old() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        assert_eq!(server.get("/strict").await.header("cache-control"), Some("max-age=60, must-revalidate"));
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        assert_eq!(server.get("/strict").await.status, 500, "{cache:?}");
    }
}

#[tokio::test]
async fn seed_c5_a_client_that_goes_in_the_middle_of_a_miss() {
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
        assert_eq!(server.get("/1").await.told(), ("HIT", "1"), "{cache:?}");
        assert_eq!(cache.health().await.computing, 0, "{cache:?}");
        // A follower that goes is nobody's loss.
        let app = App::new(cache);
        let server = serve(&app).await;
        let leader = crowd(server, "/2", 1);
        app.first.arrived(1).await;
        let follower = server.open("GET", "/2", &[], "").await;
        settle(cache).await;
        drop(follower);
        app.first.open();
        assert_eq!(answers(leader).await[0].told(), ("MISS", "0"), "{cache:?}");
        assert_eq!(server.get("/2").await.told(), ("HIT", "0"), "{cache:?}");
    }
}

#[tokio::test]
async fn seed_c5_a_client_that_goes_in_the_middle_of_a_body() {
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
            assert_eq!((answer.status, answer.told()), (200, ("HIT", "firstsecond")), "{cache:?}");
        }
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

/// Far more than `redis_timeout`, for busy machines, and far less than a hang.
const BOUND: Duration = Duration::from_secs(2);

/// Whatever Redis does: each client has its own answer, in time.
async fn clients_are_served(server: Server, what: &str) {
    let crowd = (0..32).map(|id| async move {
        let started = Instant::now();
        let answer = server.get(&format!("/{id}")).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        assert!(["MISS", "BYPASS"].contains(&answer.from()), "{what}: {answer:?}");
        started.elapsed()
    });
    let slowest = join_all(crowd).await.into_iter().max().expect("32");
    assert!(slowest < BOUND, "{what}: {slowest:?}");
}

async fn caching_begins(server: Server) {
    eventually_async(LONG, || async {
        let path = format!("/{}", rand());
        server.get(&path).await;
        server.get(&path).await.from() == "HIT"
    })
    .await;
}

/// A number that nobody had before.
fn rand() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1_000_000);
    NEXT.fetch_add(1, SeqCst)
}

#[tokio::test]
async fn seed_f1_f2_absent_at_the_start_and_there_later() {
    let redis = RedisServer::start();
    redis.stop();
    let cache = hasty(&redis).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    clients_are_served(server, "absent").await;
    clients_are_served(server, "absent still").await;
    redis.restart();
    caching_begins(server).await;
}

#[tokio::test]
async fn seed_f3_dies_midway_and_hangs() {
    let redis = RedisServer::start();
    let cache = hasty(&redis).build().await.expect("a cache");
    let app = App::free(&cache);
    let server = serve(&app).await;
    caching_begins(server).await;
    // While the handler runs.
    app.stops.store(true, SeqCst);
    app.others.open();
    let waits = App::new(&cache);
    let waiting = serve(&waits).await;
    let crowd = crowd(waiting, "/77", 20);
    waits.first.arrived(1).await;
    redis.stop();
    waits.first.open();
    waits.others.open();
    for answer in answers(crowd).await {
        assert_eq!(answer.status, 200);
    }
    clients_are_served(server, "dead").await;
    redis.restart();
    caching_begins(server).await;
    redis.pause();
    clients_are_served(server, "hung").await;
    redis.resume();
    caching_begins(server).await;
}

#[tokio::test]
async fn seed_f3_a_broken_line() {
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port()).await;
    let cache = hasty(&redis).url(proxy.url()).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    for mode in [Mode::Blackhole, Mode::SwallowReplies, Mode::Truncate(7), Mode::Reset, Mode::Refuse] {
        proxy.set(mode);
        clients_are_served(server, &format!("{mode:?}")).await;
        proxy.set(Mode::Pass);
        proxy.cut();
        caching_begins(server).await;
        cache.clear().await.expect("cleared");
    }
}

#[tokio::test]
async fn seed_f4_f5_a_password_that_changes_and_memory_that_is_full() {
    let redis = RedisServer::start();
    let cache = on(&redis).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    clients_are_served(server, "full").await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    caching_begins(server).await;
    // A wrong password at the start is an error, as `redis_refusals` shows; one that becomes wrong is not the clients' affair.
    let redis = RedisServer::start_with(&["--requirepass", "right"]);
    let url = redis.url().replace("127.0.0.1", ":right@127.0.0.1");
    let cache = hasty(&redis).url(&url).build().await.expect("a cache");
    let server = serve(&App::free(&cache)).await;
    caching_begins(server).await;
    let mut raw = redis::Client::open(url).and_then(|client| client.get_connection()).expect("a connection");
    for command in [&["CONFIG", "SET", "requirepass", "other"][..], &["CLIENT", "KILL", "TYPE", "normal"]] {
        let answer: redis::RedisResult<redis::Value> =
            redis::cmd(command[0]).arg(&command[1..]).query(&mut raw);
        answer.expect("Redis takes the command");
    }
    clients_are_served(server, "another password").await;
}

#[tokio::test]
async fn seed_f5_whatever_the_store_does() {
    for cache in &caches_with(|builder| builder.redis_timeout(Duration::from_millis(100))).await {
        let app = App::free(cache);
        let server = serve(&app).await;
        let chaos = cache.chaos();
        for (what, begin) in [("refuse", 0), ("hang", 1), ("lose", 2)] {
            match begin {
                0 => chaos.refuse(),
                1 => chaos.hang(),
                _ => chaos.lose_fills(),
            }
            clients_are_served(server, what).await;
            let answer = server.ask("/1", &[("cache-control", "no-cache")]).await;
            assert_eq!(answer.status, 200, "{cache:?} {what}");
            // Nothing can be found, and that is what was asked for.
            let answer = server.ask("/1", &[("cache-control", "only-if-cached")]).await;
            assert_eq!(answer.status, 504, "{cache:?} {what}");
            chaos.heal();
            assert!(is_empty(cache).await || what != "lose", "{cache:?}");
        }
        caching_begins(server).await;
        assert!(counts(cache, "page").store_errors > 0, "{cache:?}");
    }
}

#[cache(response, expire = "1m")]
async fn of_the_global_cache() -> &'static str {
    "text"
}

/// This binary never makes a process-wide cache.
#[tokio::test]
async fn seed_f6_before_init_it_runs_uncached() {
    let server = Server::start(Router::new().route("/", get(of_the_global_cache))).await;
    for _ in 0..2 {
        let answer = server.get("/").await;
        assert_eq!((answer.status, answer.text(), answer.header("etag")), (200, "text", None));
    }
}
