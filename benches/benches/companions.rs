//! Measures what stands around the cache. Rate limits: a request with a limit and without one, in memory and in Redis. Tokens: a check
//! that this process answers, beside a hit of a cached function in this process. Sessions: a request that leaves its session alone.
//!
//! The requests go through an axum router without a network, one after the other, from as many clients as there are keys.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use larder::rate_limit::RateLimit;
use larder::revoke::Revocations;
use larder::session::SessionLayer;
use larder::{Cache, LocalTier, cache};
use larder_benches::{KEYS, is_quick, server_url};
use redis::aio::MultiplexedConnection;
use tower::ServiceExt as _;

/// Requests for each figure, less in a quick run.
const REQUESTS: u64 = 50_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let url = server_url("REDIS_URL");
    let mut server = redis::Client::open(url.as_str()).expect("a client");
    let mut server = connect(&mut server).await;
    let memory = Cache::builder().build().await.expect("a cache");
    let redis = Cache::builder().url(&url).prefix("bench").require_redis(true).build().await.expect("a cache");
    let app = || Router::new().route("/", get(|| async { "ok" }));
    println!("a request:                               half within     99 % within    in the server");
    report("without a limit", app(), &mut server).await;
    for (store, cache) in [("in memory", &memory), ("in Redis", &redis)] {
        for (name, limit) in [
            ("a log, admitted", RateLimit::new("1000000000/s").and("1000000000/2s")),
            ("smooth, admitted", RateLimit::new("1000000/s").smooth()),
            ("refused", RateLimit::new("1/day")),
        ] {
            let limit = limit.scope(name).cache(cache);
            let app = app().route_layer(limit.layer());
            report(&format!("{store}, {name}"), app, &mut server).await;
        }
    }
    let sessions = SessionLayer::new(&redis);
    report("in Redis, a session that is untouched", app().layer(sessions), &mut server).await;
    let local = Cache::builder().url(&url).prefix("bench").local(LocalTier::new().expire("1h")).require_redis(true);
    checks(&local.build().await.expect("a cache")).await;
}

#[cache(cache = cache, expire = "1h", local = "1h")]
async fn cached(cache: &Cache, user: &str, token: &str) -> bool {
    user != token
}

/// Compares checks of a token with hits of a function with the same arguments, in turn.
async fn checks(cache: &Cache) {
    let (rounds, calls) = if is_quick() { (21, 2_000) } else { (101, 20_000) };
    let revocations = Revocations::new(cache);
    let (user, token) = ("ada@example.com", "0b1f4c9e-5d0a-4f0e-9a52-0a51a6a1e7c4");
    let generation = revocations.generation(user).await.expect("a generation");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let began = Instant::now();
        for _ in 0..calls {
            assert!(cached(cache, black_box(user), black_box(token)).await);
        }
        times[0].push(began.elapsed() / calls);
        let began = Instant::now();
        for _ in 0..calls {
            revocations.check(black_box(user), black_box(token), generation).await.expect("accepted");
        }
        times[1].push(began.elapsed() / calls);
    }
    let [hit, check] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = check.as_secs_f64() / hit.as_secs_f64();
    println!("\na local hit: {hit:?}; a check of a token with a local answer: {check:?}, {ratio:.2}x");
}

async fn connect(client: &mut redis::Client) -> MultiplexedConnection {
    client.get_multiplexed_async_connection().await.expect("a connection")
}

/// Sends requests and prints their times.
async fn report(title: &str, app: Router, server: &mut MultiplexedConnection) {
    let requests = if is_quick() { REQUESTS / 20 } else { REQUESTS };
    // Every client once, so that a client that is refused was admitted before.
    for client in 0..KEYS {
        send(&app, client).await;
    }
    let () = redis::cmd("CONFIG").arg("RESETSTAT").query_async(server).await.expect("reset");
    let mut times = Vec::new();
    for n in 0..requests {
        let began = Instant::now();
        send(&app, n % KEYS).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let part = |percent: usize| times[times.len() * percent / 100];
    let (calls, spent) = spent(server).await;
    let in_server = match calls {
        0 => "no call".to_owned(),
        calls => format!("{:?} a hit, {calls} calls", spent / calls as u32),
    };
    println!("{title:36} {:>15?} {:>15?}    {in_server}", part(50), part(99));
}

async fn send(app: &Router, client: u64) {
    let mut request = Request::get("/").body(Body::empty()).expect("a request");
    let address = Ipv4Addr::from(client as u32 + (10 << 24));
    request.extensions_mut().insert(SocketAddr::from((address, 1)));
    drop(app.clone().oneshot(request).await);
}

/// The calls of scripts since the counts were reset, and their time in the server.
async fn spent(server: &mut MultiplexedConnection) -> (u64, Duration) {
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(server).await.expect("counts");
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:"));
    let number = |name: &str| {
        let rest = line?.split(',').find_map(|part| part.strip_prefix(name))?;
        rest.parse::<u64>().ok()
    };
    (number("calls=").unwrap_or(0), Duration::from_micros(number("usec=").unwrap_or(0)))
}
