//! Deployments of Redis: clusters, several processes, users with few rights.

use std::process::Stdio;

use larder::Cache;
use larder::event_log::LogEvent;
use support::acl::{AclServer, event_log_rules};
use support::cluster::RedisCluster;
use support::deployment::shared;
use support::log::Log;
use support::process::{assert_passed, rerun};
use support::stores::{LONG, in_time, on, unique};
use support::wait::eventually_async;

use crate::{event, numbers};

const URL: &str = "EVENT_LOG_TEST_URL";
const PREFIX: &str = "EVENT_LOG_TEST_PREFIX";

/// A cluster passes messages on to all nodes, and logs are read where they are.
#[tokio::test]
async fn on_a_cluster_events_reach_listeners_wherever_they_are() {
    let cluster = RedisCluster::start();
    let prefix = unique("cluster");
    let mut caches = Vec::new();
    for _ in 0..3 {
        caches.push(on(&cluster).prefix(&prefix).require_redis(true).build().await.expect("a cache"));
    }
    // Groups are in slots of their own.
    let groups: Vec<String> = (0..6).map(|number| format!("group {number}")).collect();
    for listens in &caches {
        for publishes in &caches {
            for group in &groups {
                let (here, there) = (listens.group(group), publishes.group(group));
                let mut stream = here.event_log::<u64>("orders").listen(None).await;
                let mut ticks = here.channel::<u64>("ticks").listen().await;
                there.event_log("orders").publish(&1_u64).await.expect("published");
                there.channel("ticks").publish(&2_u64).await.expect("published");
                assert_eq!(event(&mut stream).await, 1);
                assert_eq!(in_time(ticks.recv()).await, Some(2));
            }
            let mut stream = numbers(listens).listen(None).await;
            numbers(publishes).publish(&3).await.expect("published");
            assert_eq!(event(&mut stream).await, 3);
        }
    }
    assert!(caches.iter().all(|cache| cache.stats().total.store_errors == 0));
}

/// The slot of a log moves to another node, and its listeners with it.
#[tokio::test]
async fn a_log_whose_slot_moves_goes_on() {
    let cluster = RedisCluster::start();
    let cache = on(&cluster).prefix("moved").require_redis(true).build().await.expect("a cache");
    let log = numbers(&cache);
    let mut stream = log.listen(None).await;
    let slot = cluster.slot("moved:log:{moved}:numbers");
    for number in 0..4 {
        log.publish(&number).await.expect("published");
        assert_eq!(event(&mut stream).await, number);
        let from = cluster.owner(slot);
        let to = cluster.nodes()[..3].iter().find(|node| node.port() != from.port()).expect("another node");
        cluster.reshard(from, to, slot..slot + 1);
    }
    log.publish(&4).await.expect("published");
    assert_eq!(event(&mut stream).await, 4);
}

/// Runs in the process that the other test starts, and does nothing without its variables.
#[tokio::test]
async fn worker() {
    let (Ok(url), Ok(prefix)) = (std::env::var(URL), std::env::var(PREFIX)) else { return };
    let cache = Cache::builder().url(url).prefix(&prefix).connect_timeout(LONG);
    let cache = cache.redis_timeout(LONG).require_redis(true).build().await.expect("a cache");
    // Until the other process listens to what this one says.
    eventually_async(LONG, || async {
        cache.channel("ticks").publish(&1_u64).await.expect("published");
        let mut stream = cache.event_log::<u64>("answers").listen("0-1".parse().ok()).await;
        tokio::time::timeout(std::time::Duration::from_millis(50), stream.recv()).await.is_ok()
            && cache.event_log::<u64>("started").publish(&0).await.is_ok()
    })
    .await;
    for number in 0..500 {
        numbers(&cache).publish(&number).await.expect("published");
    }
}

#[tokio::test]
async fn events_of_another_process_arrive_once_and_in_order() {
    let prefix = unique("processes");
    let cache = on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let mut stream = numbers(&cache).listen(None).await;
    let mut ticks = cache.channel::<u64>("ticks").listen().await;
    let mut worker = rerun("deployments::worker");
    worker.env(URL, shared().url()).env(PREFIX, &prefix);
    let worker = worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    assert_eq!(in_time(ticks.recv()).await, Some(1));
    cache.event_log("answers").publish(&1_u64).await.expect("published");
    for number in 0..500 {
        assert_eq!(event(&mut stream).await, number);
    }
    let output = tokio::task::spawn_blocking(move || worker.wait_with_output()).await;
    assert_passed("deployments::worker", &output.expect("no panic").expect("its output"));
}

#[tokio::test]
async fn a_user_with_the_rules_of_the_page_can_publish_and_listen() {
    if !support::isolated!() {
        return;
    }
    let (server, log, prefix) = (AclServer::start(), Log::of_process(), unique("acl"));
    let all = event_log_rules();
    let keys = format!("~{prefix}:*");
    let url = server.allow("all", &all, &keys);
    let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let mut stream = numbers(&cache).expire(larder::Expire::Never).listen(None).await;
    let mut ticks = cache.channel::<u64>("ticks").listen().await;
    let first = numbers(&cache).publish(&1).await.expect("published");
    numbers(&cache).expire(larder::Expire::Never).publish(&2).await.expect("published");
    cache.channel("ticks").publish(&3_u64).await.expect("published");
    assert_eq!((event(&mut stream).await, event(&mut stream).await), (1, 2));
    assert_eq!(event(&mut numbers(&cache).listen(Some(first)).await).await, 2);
    assert_eq!(in_time(ticks.recv()).await, Some(3));
    let mut other = cache.event_log::<u64>("other").listen(None).await;
    cache.event_log("other").publish(&4_u64).await.expect("published");
    assert_eq!(event(&mut other).await, 4);
    assert_eq!((cache.stats().total.store_errors, log.take()), (0, Vec::new()));
    let denied = server.redis.command(&["ACL", "LOG"]);
    assert!(!denied.contains("xread") && !denied.contains("unblock"), "{denied}");
    // Without the right to end a command that waits, a log that is added is live a little later.
    let rules: Vec<_> = all.iter().copied().filter(|rule| *rule != "+client|unblock").collect();
    let url = server.allow("less", &rules, &keys);
    let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let mut streams = Vec::new();
    for number in 0..5 {
        let log = cache.event_log::<u64>(&format!("less {number}"));
        streams.push(log.listen(None).await);
        log.publish(&number).await.expect("published");
        assert_eq!(event(&mut streams[number as usize]).await, number);
    }
    // Each other one is named where it is missing.
    for rule in ["+xadd", "+xread", "+publish", "+subscribe", "+xrange"] {
        let rules: Vec<_> = all.iter().copied().filter(|other| *other != rule).collect();
        let url = server.allow(&unique("user"), &rules, &keys);
        let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
        let _events = numbers(&cache).listen(None).await;
        let _ticks = tokio::time::timeout(
            std::time::Duration::from_millis(100),
            cache.channel::<u64>("ticks").listen(),
        )
        .await;
        drop(numbers(&cache).publish(&1).await);
        drop(cache.channel("ticks").publish(&1_u64).await);
        let mut said = Vec::new();
        eventually_async(LONG, || {
            said.extend(log.take());
            let is_named = said.iter().any(|line: &String| line.contains(&format!("`{rule}`")));
            async move { is_named }
        })
        .await;
    }
}

/// A listener of a log sees an event as any other listener does.
#[tokio::test]
async fn behind_every_deployment_a_listener_resumes() {
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let log = numbers(&cache);
    let id = log.publish(&1).await.expect("published");
    log.publish(&2).await.expect("published");
    let next = in_time(log.listen(Some(id)).await.recv()).await;
    assert!(matches!(next, Some(LogEvent::Event { data: 2, .. })), "{next:?}");
}
