//! Addresses that a cluster announces: IPv6, names, and such that cannot be reached from here.

use larder::{Cache, Error, Tls};
use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::stores::{LONG, in_time, unique};
use support::tls::Authority;
use support::wait::eventually;

/// Stores and reads keys of all nodes.
async fn assert_serves(cache: &Cache) {
    for n in 0..50_u64 {
        cache.set(&n.to_string(), &n, "1m").await.expect("every node can be reached");
        assert_eq!(cache.get::<u64>(&n.to_string()).await, Some(n));
    }
    let health = cache.health().await;
    assert!(health.connected && health.nodes.len() == 3, "{health:?}");
}

#[tokio::test]
async fn nodes_that_know_each_other_by_ipv6() {
    let cluster = RedisCluster::start_at("::1", 3, 0, &["--bind", "127.0.0.1", "::1"]);
    for host in ["127.0.0.1", "[::1]"] {
        let url = format!("redis+cluster://{host}:{}", cluster.nodes()[1].port());
        let cache = in_time(Cache::builder().url(url).prefix(unique("t")).build()).await.expect("a cache");
        assert_serves(&cache).await;
        assert!(cache.health().await.nodes.iter().all(|node| node.address.starts_with("[::1]:")));
    }
}

#[tokio::test]
async fn nodes_that_announce_names() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    for node in cluster.nodes() {
        let named = node.command(&["CONFIG", "SET", "cluster-announce-hostname", "localhost"]);
        if named != "OK" {
            // Redis 6.2 has addresses only.
            assert!(named.contains("Unsupported CONFIG parameter"), "{named}");
            return;
        }
        assert_eq!(node.command(&["CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname"]), "OK");
    }
    let is_known = |node: &RedisServer| node.command(&["CLUSTER", "SLOTS"]).matches("localhost").count() == 3;
    eventually(LONG, || cluster.nodes().iter().all(is_known));
    let cache =
        in_time(Cache::builder().url(cluster.url()).prefix(unique("t")).build()).await.expect("a cache");
    assert_serves(&cache).await;
    assert!(cache.health().await.nodes.iter().all(|node| node.address.starts_with("localhost:")));
}

#[tokio::test]
async fn addresses_that_cannot_be_reached_are_mapped() {
    let cluster = RedisCluster::start_with(3, 0, &[]);
    let announced = |port: u16| port - 1_000;
    for node in cluster.nodes() {
        let port = announced(node.port()).to_string();
        assert_eq!(node.command(&["CONFIG", "SET", "cluster-announce-port", &port]), "OK");
    }
    let tell = |node: &RedisServer| {
        let slots = node.command(&["CLUSTER", "SLOTS"]);
        cluster
            .nodes()
            .iter()
            .all(|node| slots.lines().any(|line| line == announced(node.port()).to_string()))
    };
    eventually(LONG, || cluster.nodes().iter().all(tell));
    let builder = || Cache::builder().url(cluster.url()).prefix(unique("t"));
    match in_time(builder().build()).await {
        Err(Error::Config { setting: "node_address_map", value, reason, .. }) => {
            let first = format!("127.0.0.1:{}", announced(cluster.nodes()[0].port()));
            assert!(value.contains(&first) && reason.contains("can be reached"), "{value}: {reason}");
        }
        other => panic!("{other:?}"),
    }
    let pairs = cluster
        .nodes()
        .iter()
        .map(|node| (format!("127.0.0.1:{}", announced(node.port())), format!("localhost:{}", node.port())));
    let cache = in_time(builder().node_address_map(pairs).build()).await.expect("a cache");
    assert_serves(&cache).await;
    let wrong = in_time(builder().node_address_map([("a:1", "b")]).build()).await;
    assert!(matches!(wrong, Err(Error::Config { setting: "node_address_map", .. })), "{wrong:?}");
}

#[tokio::test]
async fn nodes_with_tls() {
    let authority = Authority::new("larder tests");
    let cluster = RedisCluster::start_tls(&authority);
    let tls_port = |node: &RedisServer| {
        node.command(&["CONFIG", "GET", "tls-port"]).lines().nth(1).expect("a port").to_owned()
    };
    let url = format!("rediss+cluster://localhost:{}", tls_port(&cluster.nodes()[0]));
    let builder = || {
        let ports = cluster.nodes().iter().map(|node| (node.port(), tls_port(node)));
        let pairs = ports.map(|(plain, tls)| (format!("127.0.0.1:{plain}"), format!("localhost:{tls}")));
        Cache::builder().url(&url).prefix(unique("t")).node_address_map(pairs)
    };
    let cache = in_time(builder().tls(Tls::new().ca(authority.pem())).build()).await.expect("a cache");
    assert_serves(&cache).await;
    let stranger = Authority::new("another authority");
    let warned = in_time(builder().tls(Tls::new().ca(stranger.pem())).require_redis(true).build()).await;
    assert!(warned.expect_err("an unknown authority").to_string().contains("certificate"), "it says why");
}
