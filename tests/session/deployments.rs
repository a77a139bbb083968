//! Deployments of Redis: clusters, users with few rights, failovers.

use support::acl::{AclServer, session_rules};
use support::cluster::RedisCluster;
use support::log::Log;
use support::sentinel::SentinelDeployment;
use support::stores::{LONG, on, unique};
use support::wait::eventually_async;

use crate::app::{App, Browser};

#[tokio::test]
async fn a_cluster_spreads_sessions_over_its_nodes() {
    let cluster = RedisCluster::start();
    let cache = on(&cluster).require_redis(true).build().await.expect("a cache");
    let app = App::start(&cache).await;
    for user in 0..30 {
        let (mut browser, user) = (Browser::default(), format!("user-{user}"));
        browser.send(&app, "POST", "/set/cart/7").await;
        let before = browser.clone();
        browser.login(&app, &user).await;
        assert_eq!(browser.read(&app, "/me").await, user);
        assert_eq!(before.ask(&app, "GET", "/get/cart").await.text(), "\"7\"");
        let list = app.sessions.list(&user).await.expect("a list");
        assert!(list.len() == 1 && app.sessions.revoke(&user, &list[0].handle).await.expect("an answer"));
        assert_eq!(browser.read(&app, "/me").await, "");
    }
    for node in cluster.nodes().iter().filter(|node| node.command(&["ROLE"]).starts_with("master")) {
        assert_ne!(node.command(&["DBSIZE"]), "0");
    }
}

/// Another server takes over: a session is there or has ended, and is never another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_keeps_sessions_apart() {
    let deployment = SentinelDeployment::start();
    let cache = on(&deployment).require_redis(true).build().await.expect("a cache");
    let app = App::start(&cache).await;
    let mut browsers: Vec<(String, Browser)> = Vec::new();
    for user in 0..20 {
        let (user, mut browser) = (format!("user-{user}"), Browser::default());
        browser.login(&app, &user).await;
        browsers.push((user, browser));
    }
    tokio::task::block_in_place(|| deployment.primary().stop());
    for (user, browser) in &mut browsers {
        eventually_async(LONG, || async {
            let answer = browser.ask(&app, "GET", "/me").await;
            assert!(
                answer.status == 503 || [user.as_str(), ""].contains(&answer.text()),
                "{}",
                answer.text()
            );
            answer.status == 200
        })
        .await;
    }
    let (_, first) = &mut browsers[0];
    first.login(&app, "again").await;
    assert_eq!(first.read(&app, "/me").await, "again");
}

#[tokio::test]
async fn a_user_with_the_rules_of_the_page_has_sessions() {
    if !support::isolated!() {
        return;
    }
    let (server, log, prefix) = (AclServer::start(), Log::of_process(), unique("acl"));
    let all = session_rules();
    // Returns whether every step was answered.
    let every_call = async |cache: &larder::Cache| {
        let (app, mut browser) =
            (App::start_with(cache, |sessions| sessions.idle("10s")).await, Browser::default());
        let mut is_well = true;
        for path in ["/set/a/1", "/login/ada", "/set/a/2", "/remove/a", "/rotate"] {
            is_well &= browser.send(&app, "POST", path).await.status == 200;
        }
        let list = app.sessions.list("ada").await;
        is_well &= list.as_ref().is_ok_and(|list| !list.is_empty());
        for info in list.unwrap_or_default() {
            is_well &= app.sessions.revoke("ada", &info.handle).await.is_ok();
        }
        is_well &= app.sessions.revoke_all("ada").await.is_ok();
        is_well && browser.send(&app, "POST", "/logout").await.status == 200
    };
    let url = server.allow("sessions", &all, &format!("~{prefix}:*"));
    let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    assert!(every_call(&cache).await);
    assert_eq!(log.take(), Vec::<String>::new());
    // Each command is needed, and named when it is missing.
    for rule in all.iter().filter(|rule| !["+evalsha", "+script|load"].contains(rule)) {
        let fewer: Vec<&str> = all.iter().copied().filter(|other| other != rule).collect();
        let url = server.allow(&unique("user"), &fewer, &format!("~{prefix}:*"));
        let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
        assert!(!every_call(&cache).await, "{rule}");
        let (warnings, name) = (log.take(), rule.trim_start_matches('+'));
        assert!(
            warnings.iter().any(|warning| warning.contains(&format!("`{name}`"))),
            "{rule}: {warnings:?}"
        );
    }
}
