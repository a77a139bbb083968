//! Users of Redis who may not do everything.

use futures_util::TryStreamExt;
use larder::{Cache, Counts, Error, Expire, LocalTier, cache};
use support::acl::{AclServer, PASSWORD, allow, rules, useful_rules};
use support::cluster::RedisCluster;
use support::log::Log;
use support::redis::RedisServer;
use support::sentinel::SentinelDeployment;
use support::stores::{Calls, Gate, LONG, counts, in_time, on, unique};
use support::wait::eventually_async;

#[cache(group = "g", tags = ["t"], cache = cache, entry = labelled_entry)]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire_with = |_: &u64| Expire::Never, tags = ["t"], cache = cache)]
async fn endless(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

#[cache(expire = "5m", cache = cache)]
async fn held(cache: &Cache, gate: &Gate, calls: &Calls, n: u64) -> u64 {
    calls.add();
    gate.pass().await;
    n * 4
}

/// The names of the calls that change something and failed.
async fn change_everything(cache: &Cache, calls: &Calls) -> Vec<&'static str> {
    for n in 0..2 {
        assert_eq!(in_time(labelled(cache, calls, n)).await, n * 2);
        assert_eq!(in_time(labelled(cache, calls, n)).await, n * 2);
        assert_eq!(in_time(endless(cache, calls, n)).await, n * 3);
    }
    let mut results = vec![("set", cache.set("k", &1, "5m").await)];
    let _ = (cache.get::<u64>("k").await, cache.ttl("k").await, cache.exists("k").await);
    assert_eq!(in_time(larder::refresh(labelled(cache, calls, 1))).await, 2);
    results.push(("put", labelled_entry(cache, calls, 1).put(&3).await));
    results.push(("expire", labelled_entry(cache, calls, 1).expire().await));
    results.push(("delete", cache.delete("k").await.map(drop)));
    results.push(("delete absent", cache.delete("absent").await.map(drop)));
    results.push(("tag", cache.invalidate_tag("t").await));
    results.push(("group", cache.delete_group("g").await));
    results.push(("keys", in_time(cache.keys("*").try_collect::<Vec<_>>()).await.map(drop)));
    results.push(("clear", in_time(cache.clear()).await.map(drop)));
    results.into_iter().filter(|(_, result)| result.is_err()).map(|(name, _)| name).collect()
}

fn without(rule: &str) -> Vec<&'static str> {
    let left: Vec<_> = rules().into_iter().filter(|other| *other != rule).collect();
    assert_eq!(left.len() + 1, rules().len(), "{rule} is on the page");
    left
}

#[tokio::test]
async fn a_user_with_the_rules_of_the_page() {
    if !support::isolated!() {
        return;
    }
    let server = AclServer::start();
    let (prefix, log) = (unique("acl"), Log::of_process());
    let url = server.allow("useful", &[rules(), useful_rules()].concat(), &format!("~{prefix}:*"));
    let cache =
        on(&server).url(url).prefix(&prefix).local(LocalTier::new()).require_redis(true).build().await;
    let cache = cache.expect("a cache");
    eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
    let calls = Calls::default();
    assert_eq!(change_everything(&cache, &calls).await, Vec::<&str>::new());
    let Counts { store_errors, pending_invalidations, .. } = cache.stats().total;
    assert_eq!((store_errors, pending_invalidations), (0, 0));
    let health = cache.health().await;
    assert!(health.connected && health.error.is_none(), "{health:?}");
    assert_eq!(log.take(), Vec::<String>::new());
    // The name of the client is of no use to servers before Redis 7.2, and Redis 7.0 refuses a rule for it.
    let denied = server.redis.command(&["ACL", "LOG"]);
    let commands = denied.lines().collect::<Vec<_>>();
    let commands =
        commands.windows(2).filter(|pair| pair[0] == "object").map(|pair| pair[1]).collect::<Vec<_>>();
    assert!(commands.iter().all(|command| ["client", "client|setinfo"].contains(command)), "{commands:?}");
}

/// The URL with a user who may do what the page lists, on all of these servers.
fn with_user(url: &str, servers: &[RedisServer], prefix: &str) -> String {
    for server in servers {
        allow(server, "listed", &rules(), &format!("~{prefix}:*"));
    }
    url.replace("://", &format!("://listed:{PASSWORD}@"))
}

/// Clusters and sentinels need a few more commands, which are on the page.
#[tokio::test]
async fn a_user_with_the_rules_of_the_page_on_several_servers() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let (cluster, sentinels) = (RedisCluster::start_with(2, 1, &[]), SentinelDeployment::start());
    let prefix = unique("acl");
    let urls = [
        with_user(&cluster.url(), cluster.nodes(), &prefix),
        with_user(&sentinels.url(), sentinels.servers(), &prefix),
    ];
    for url in urls {
        let cache =
            on(&cluster).url(&url).prefix(&prefix).local(LocalTier::new()).require_redis(true).build().await;
        let cache = cache.expect("a cache");
        eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
        assert_eq!(change_everything(&cache, &Calls::default()).await, Vec::<&str>::new(), "{url}");
        let Counts { store_errors, pending_invalidations, .. } = cache.stats().total;
        assert_eq!((store_errors, pending_invalidations), (0, 0), "{url}");
        assert_eq!(log.take(), Vec::<String>::new(), "{url}");
    }
}

#[tokio::test]
async fn each_missing_command_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    // Caches with failed invalidations go on retrying, so that each has a server of its own.
    let mut servers = Vec::new();
    let scripts = ["set", "put", "expire", "delete", "delete absent", "tag"];
    let failures: [(&str, &[&str]); 15] = [
        ("+get", &["put", "tag"]),
        ("+mget", &["expire"]),
        ("+set", &["set", "put", "group"]),
        ("+unlink", &["expire", "delete", "delete absent", "clear"]),
        ("+exists", &["delete absent"]),
        ("+getrange", &scripts[..5]),
        ("+setrange", &[]),
        ("+pttl", &["put"]),
        ("+pexpire", &["put"]),
        ("+persist", &[]),
        ("+time", &[]),
        ("+evalsha", &scripts),
        ("+script|load", &scripts),
        ("+scan", &["keys", "clear"]),
        ("+client|tracking", &[]),
    ];
    for (rule, expected) in failures {
        let server = AclServer::start();
        let url = server.allow("incomplete", &without(rule), "~*");
        let cache = on(&server).url(url).local(LocalTier::new()).require_redis(true).build().await;
        let cache = cache.expect("a cache");
        let failed = change_everything(&cache, &Calls::default()).await;
        assert_eq!(failed, expected, "{rule}");
        let command = &rule[1..];
        let mut told = Vec::new();
        eventually_async(LONG, || {
            told.extend(log.take());
            let is_told = told.iter().any(|line| line.contains(&format!("refused `{command}`")));
            async move { is_told }
        })
        .await;
        assert_eq!(told.len(), 1, "{rule}: {told:#?}");
        assert!(told[0].contains(&format!("the rule is `{rule}`")), "{told:#?}");
        let errors = cache.stats().total.store_errors;
        assert_eq!(errors > 0, rule != "+client|tracking", "{rule}: {errors}");
        let health = cache.health().await;
        assert!(health.connected && health.error.is_none(), "{rule}: {health:?}");
        drop(cache);
        told.extend(log.take());
        assert_eq!(told.len(), 1, "{rule}: {told:#?}");
        servers.push(server);
    }
}

/// Calls that wait for another process ask for notifications, and poll without them.
#[tokio::test]
async fn missing_commands_for_notifications_are_reported_once() {
    if !support::isolated!() {
        return;
    }
    let server = AclServer::start();
    let log = Log::of_process();
    for rule in ["+client|tracking", "+client|caching", "+exists"] {
        let url = server.allow(rule, &without(rule), "~*").replace('|', "%7C");
        let prefix = unique("wait");
        let builder = || on(&server).url(&url).prefix(&prefix).require_redis(true);
        let (first, second) =
            (builder().build().await.expect("a cache"), builder().build().await.expect("a cache"));
        let (gate, calls) = (Gate::default(), Calls::default());
        let told = in_time(async {
            let lead = held(&first, &gate, &calls, 1);
            let follow = async {
                gate.arrived(1).await;
                held(&second, &gate, &calls, 1).await
            };
            let open = async {
                let mut told = Vec::new();
                eventually_async(LONG, || {
                    told.extend(log.take());
                    let is_told = !told.is_empty();
                    async move { is_told }
                })
                .await;
                gate.open();
                told
            };
            let (lead, follow, told) = tokio::join!(lead, follow, open);
            assert_eq!((lead, follow, calls.count()), (4, 4, 1), "{rule}");
            told
        })
        .await;
        let command = &rule[1..];
        assert!(told.len() == 1 && told[0].contains(&format!("refused `{command}`")), "{rule}: {told:#?}");
        assert_eq!(counts(&second, "held").store_errors, 0, "{rule}");
        drop((first, second));
        assert_eq!(log.take(), Vec::<String>::new(), "{rule}");
    }
}

#[tokio::test]
async fn keys_that_a_user_may_not_access() {
    if !support::isolated!() {
        return;
    }
    let server = AclServer::start();
    let log = Log::of_process();
    for keys in ["~other:*", "resetkeys"] {
        let url = server.allow("stranger", &rules(), keys);
        let cache = on(&server).url(url).prefix("my*api").require_redis(true).build().await.expect("a cache");
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(in_time(labelled(&cache, &calls, 1)).await, 2);
        }
        assert_eq!(calls.count(), 2, "uncached");
        for error in [
            cache.set("k", &1, "5m").await.expect_err("refused"),
            cache.delete("another").await.expect_err("refused"),
            cache.try_get::<u64>("third").await.expect_err("refused"),
        ] {
            assert!(matches!(&error, Error::Redis { message, .. } if message.contains("key")), "{error:?}");
        }
        let told = log.take();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].contains(r"the rule is `~my\*api:*`"), "{told:#?}");
        assert!(!told[0].contains("eval"), "{told:#?}");
        assert!(counts(&cache, "labelled").store_errors >= 2);
        assert!(cache.health().await.connected);
    }
}

#[tokio::test]
async fn a_user_without_another_database() {
    let server = AclServer::start();
    let error = on(&server).url(format!("{}/3", server.url())).build().await.expect_err("refused");
    assert!(matches!(&error, Error::Config { setting: "url", value, .. } if value == "3"), "{error:?}");
    assert!(error.to_string().contains("'select'"), "{error}");
    let url = server.allow("selecting", &[&rules()[..], &["+select"]].concat(), "~*");
    on(&server).url(format!("{url}/3")).require_redis(true).build().await.expect("a cache");
}
