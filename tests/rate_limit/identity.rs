//! The client of a request.

use std::net::SocketAddr;

use axum::extract::connect_info::MockConnectInfo;
use axum::routing::get;
use axum::{Extension, Router};
use larder::Cache;
use larder::rate_limit::{By, RateLimit, Unidentified};
use support::deployment::shared;
use support::http::{Answer, Server};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{caches, on, unique};

use crate::counted;

#[derive(Clone)]
struct User {
    id: u64,
}

/// Serves one route with a limit, for connections from this address.
async fn serve(limit: RateLimit, peer: Option<&str>) -> Server {
    let mut app = Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer());
    if let Some(peer) = peer {
        let peer: std::net::IpAddr = peer.parse().expect("an address");
        app = app.layer(MockConnectInfo(SocketAddr::new(peer, 4711)));
    }
    Server::start(app).await
}

fn limit(cache: &Cache, by: By) -> RateLimit {
    RateLimit::new("1/hour").scope(unique("identity")).by(by).cache(cache)
}

/// Asserts that the requests with these headers have one client, and those of the others another one.
async fn assert_same(server: &Server, same: &[&[(&str, &str)]]) {
    for (at, headers) in same.iter().enumerate() {
        let answer = server.get_with("/", headers).await;
        assert_eq!(answer.status, if at == 0 { 200 } else { 429 }, "{headers:?}");
    }
}

const XFF: &str = "X-Forwarded-For";

#[tokio::test]
async fn forged_addresses_are_one_client_without_trust() {
    for cache in caches().await {
        let server = serve(limit(&cache, By::ip()), Some("203.0.113.9")).await;
        let forged: [&[(&str, &str)]; 4] = [
            &[],
            &[(XFF, "1.2.3.4")],
            &[(XFF, "5.6.7.8, 1.2.3.4")],
            &[(XFF, "203.0.113.9"), (XFF, "8.8.8.8")],
        ];
        assert_same(&server, &forged).await;
    }
}

#[tokio::test]
async fn the_client_is_the_last_address_that_is_not_trusted() {
    for cache in caches().await {
        let server = serve(limit(&cache, By::ip().trust(["10.0.0.0/8"])), Some("10.0.0.1")).await;
        let chains: [&[(&str, &str)]; 5] = [
            &[(XFF, "evil, 1.2.3.4, 10.0.0.9")],
            &[(XFF, "1.2.3.4")],
            &[(XFF, "6.6.6.6, 1.2.3.4")],
            // Two lines are one list.
            &[(XFF, "7.7.7.7"), (XFF, "1.2.3.4, 10.0.0.9")],
            &[(XFF, "7.7.7.7, 1.2.3.4"), (XFF, "10.0.0.9")],
        ];
        assert_same(&server, &chains).await;
        assert_same(&server, &[&[(XFF, "1.2.3.5, 10.0.0.9")]]).await;
        // The same address without a proxy is the same client.
        let direct = serve(limit(&cache, By::ip().trust(["10.0.0.0/8"])), Some("1.2.3.4")).await;
        assert_same(&direct, &[&[], &[(XFF, "9.9.9.9")]]).await;
    }
}

#[tokio::test]
async fn garbled_and_long_chains_have_an_outcome() {
    for cache in caches().await {
        let server = serve(limit(&cache, By::ip().trust(["10.0.0.0/8"])), Some("10.0.0.1")).await;
        let long = "x".repeat(10_000);
        let hops = "10.0.0.7, ".repeat(1_000) + "10.0.0.1";
        for chain in [
            "",
            ",",
            "unknown",
            "1.2.3",
            "999.1.1.1",
            &long,
            "\"",
            "fe80::1%",
            "[::1",
            "%00",
            "1.2.3.4;drop",
            "0x7f.1",
        ] {
            let answer = server.get_with("/", &[(XFF, chain)]).await;
            assert!([200, 429].contains(&answer.status), "{chain}: {}", answer.status);
        }
        // None of them was another client than the proxy.
        assert_eq!(server.get("/").await.status, 429);
        assert_eq!(server.get_with("/", &[(XFF, &hops)]).await.status, 200);
    }
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_are_one_client() {
    for cache in caches().await {
        let limit = limit(&cache, By::ip());
        for (peer, status) in [
            ("2001:db8::1", 200),
            ("2001:db8::2", 429),
            ("2001:db8:0:0:ffff::1", 429),
            ("2001:db8:0:1::1", 200),
            ("1.2.3.4", 200),
            ("::ffff:1.2.3.4", 429),
        ] {
            assert_eq!(serve(limit.clone(), Some(peer)).await.get("/").await.status, status, "{peer}");
        }
        let wide = RateLimit::new("1/hour").scope(unique("wide")).by(By::ip().ipv6_prefix(56)).cache(&cache);
        for (peer, status) in
            [("2001:db8:0:10::1", 200), ("2001:db8:0:11::1", 429), ("2001:db8:0:110::1", 200)]
        {
            assert_eq!(serve(wide.clone(), Some(peer)).await.get("/").await.status, status, "{peer}");
        }
    }
}

#[tokio::test]
async fn the_address_of_a_connection_is_known_in_every_way() {
    use tower::ServiceExt as _;

    let [cache, _] = caches().await;
    let limit = limit(&cache, By::ip());
    let app = Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer());
    let address = SocketAddr::from(([198, 51, 100, 7], 1));
    let status = async |extend: &dyn Fn(&mut http::Extensions)| {
        let mut request = http::Request::get("/").body(axum::body::Body::empty()).expect("a request");
        extend(request.extensions_mut());
        app.clone().oneshot(request).await.expect("a response").status().as_u16()
    };
    assert_eq!(status(&|extensions| _ = extensions.insert(axum::extract::ConnectInfo(address))).await, 200);
    assert_eq!(status(&|extensions| _ = extensions.insert(address)).await, 429);
    assert_eq!(status(&|extensions| _ = extensions.insert(address.ip())).await, 429);
}

#[tokio::test]
async fn headers_extensions_and_functions_identify_clients() {
    for cache in caches().await {
        let by_key = serve(limit(&cache, By::header("x-api-key")), None).await;
        assert_same(&by_key, &[&[("X-Api-Key", "one")], &[("x-api-key", "one")]]).await;
        assert_same(&by_key, &[&[("x-api-key", "two")]]).await;
        assert_same(&by_key, &[&[("x-api-key", &"k".repeat(10_000))]]).await;
        // None, nothing, or several: no client.
        for headers in [&[][..], &[("x-api-key", "")], &[("x-api-key", "one"), ("x-api-key", "new")]] {
            assert_eq!(by_key.get_with("/", headers).await.status, 403, "{headers:?}");
        }

        let by_user = limit(&cache, By::extension::<User>(|user| user.id));
        for (id, status) in [(1, 200), (1, 429), (2, 200)] {
            let app = Router::new().route("/", get(|| async {})).route_layer(by_user.layer());
            let server = Server::start(app.layer(Extension(User { id }))).await;
            assert_eq!(server.get("/").await.status, status, "{id}");
        }
        assert_eq!(serve(by_user, None).await.get("/").await.status, 403);

        let by_tenant = By::function(|parts| parts.uri.query().map(str::to_owned));
        let server = serve(limit(&cache, by_tenant.or(By::header("x-tenant"))), None).await;
        for (path, headers, status) in [
            ("/?a", &[][..], 200),
            ("/?a", &[], 429),
            ("/?b", &[], 200),
            ("/", &[("x-tenant", "b")], 429),
            ("/", &[], 403),
        ] {
            assert_eq!(server.get_with(path, headers).await.status, status, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn clients_that_nothing_identifies_share_no_count_and_are_reported_once() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let [_, cache] = caches().await;
    let refusing = RateLimit::new("1/hour").scope("refusing").cache(&cache);
    let passing = RateLimit::new("1/hour").scope("passing").cache(&cache).unidentified(Unidentified::Pass);
    let servers = [serve(refusing, None).await, serve(passing, None).await];
    let mut answers: Vec<Answer> = Vec::new();
    for server in servers.iter().cycle().take(6) {
        answers.push(server.get("/").await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [403, 200, 403, 200, 403, 200]);
    assert_eq!(answers[0].text(), r#"{"detail":"The client cannot be identified"}"#);
    assert!(answers.iter().all(|answer| answer.header("ratelimit").is_none()));
    assert_eq!((counted(&cache, "refusing"), counted(&cache, "passing")), ((0, 3, 0), (3, 0, 0)));
    let warnings = log.take();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|text| text.contains("into_make_service_with_connect_info")), "{warnings:?}");
}

#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let [_, cache] = caches().await;
    let behind = serve(limit(&cache, By::ip()), Some("10.0.0.1")).await;
    // Anybody can send the header from elsewhere.
    let public = serve(limit(&cache, By::ip()), Some("203.0.113.9")).await;
    for server in [behind, public] {
        for _ in 0..2 {
            server.get_with("/", &[(XFF, "1.2.3.4")]).await;
        }
    }
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`By::ip().trust([..])`"), "{warnings:?}");
}

/// The key identifies a client and is a secret.
#[tokio::test]
async fn an_api_key_is_found_nowhere_in_redis() {
    const KEY: &str = "sk-live-4eC39HqLyjWDarjtT1zdp7dc";
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    for limit in [RateLimit::new("2/hour"), RateLimit::new("2/hour").smooth()] {
        let app = serve(limit.scope(unique("secret")).by(By::header("x-api-key")).cache(&cache), None).await;
        for _ in 0..3 {
            app.get_with("/", &[("x-api-key", KEY)]).await;
        }
    }
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 2);
    for key in keys.lines() {
        let dump = [server.command(&["GET", key]), server.command(&["ZRANGE", key, "0", "-1"])].concat();
        let all = [key, &dump].concat();
        assert!(
            KEY.as_bytes().windows(6).all(|part| !all.as_bytes().windows(6).any(|other| other == part)),
            "{all}"
        );
    }
    // In no event either.
    assert!(!format!("{:?}", cache.stats()).contains("sk-live"));
    assert!(!shared().url().contains("sk-live"));
}
