//! Handlers with `#[cache_put(response)]` that race with one another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache, cache_put};
use support::deployment::shared;
use support::http::Server;
use support::stores::{Calls, Gate, in_time, on, unique};

/// A site, and a database whose answers take different times.
#[derive(Clone)]
struct Site {
    cache: Cache,
    rows: Arc<Mutex<HashMap<u64, String>>>,
    requests: Arc<Calls>,
    gate: Arc<Gate>,
}

impl IgnoreInKey for Site {}

impl Site {
    fn now(&self, id: u64) -> String {
        self.rows.lock().expect("no panic").get(&id).cloned().unwrap_or_default()
    }

    /// Between nothing and some milliseconds, in an order that repeats seldom.
    async fn delay(&self) {
        let turn = self.requests.add() as u64;
        tokio::time::sleep(Duration::from_micros(turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51)).await;
    }
}

#[cache(response, expire = "1h", entry = page_entry, cache = site.cache)]
async fn page(Path(id): Path<u64>, site: State<Site>) -> String {
    site.delay().await;
    let text = site.now(id);
    site.delay().await;
    text
}

#[cache_put(response, entry = page_entry(Path(id), site.clone()), cache = site.cache)]
async fn save(Path(id): Path<u64>, site: State<Site>, body: String) -> String {
    site.delay().await;
    site.rows.lock().expect("no panic").insert(id, body.clone());
    site.delay().await;
    if body == "slow" {
        site.gate.pass().await;
    }
    body
}

/// The site behind two caches: one in memory, then two that are two processes to Redis.
async fn worlds() -> Vec<([Site; 2], [Server; 2])> {
    let prefix = unique("racing");
    let one = || async { on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache") };
    let memory = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    let mut worlds = Vec::new();
    for [one, two] in [[memory.clone(), memory], [one().await, one().await]] {
        let site = Site { cache: one, rows: Arc::default(), requests: Arc::default(), gate: Arc::default() };
        let sites = [site.clone(), Site { cache: two, ..site }];
        let serve = |site: &Site| {
            Server::start(Router::new().route("/items/{id}", get(page).put(save)).with_state(site.clone()))
        };
        let servers = [serve(&sites[0]).await, serve(&sites[1]).await];
        worlds.push((sites, servers));
    }
    worlds
}

/// The stored response, if there is one.
async fn stored(server: &Server, id: u64) -> Option<String> {
    let answer = server.get_with(&format!("/items/{id}"), &[("cache-control", "only-if-cached")]).await;
    (answer.status == 200).then(|| answer.text().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_puts_leave_the_response_of_the_database_or_none() {
    for (sites, servers) in worlds().await {
        for id in 0..30 {
            let path = format!("/items/{id}");
            servers[0].send("PUT", &path, &[], "first").await;
            assert_eq!(stored(&servers[1], id).await.as_deref(), Some("first"), "one put is stored");
            let bodies: Vec<String> = (0..6).map(|put| format!("put {put}")).collect();
            let puts =
                bodies.iter().enumerate().map(|(put, body)| servers[put % 2].send("PUT", &path, &[], body));
            let reads = join_all(servers.iter().map(|server| server.get(&path)));
            in_time(async { tokio::join!(join_all(puts), reads) }).await;
            for server in &servers {
                let cached = stored(server, id).await;
                let now = sites[0].now(id);
                assert!(cached.as_ref().is_none_or(|cached| *cached == now), "{cached:?} in place of {now}");
            }
            assert_eq!(servers[0].get(&path).await.text(), sites[0].now(id), "{:?}", sites[0].cache);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_by_another_process_during_a_put_wins() {
    for is_warm in [false, true] {
        for (sites, servers) in worlds().await {
            if is_warm {
                servers[1].get("/items/1").await;
            }
            let meanwhile = async {
                sites[0].gate.arrived(1).await;
                let entry = page_entry(Path(1), State(sites[1].clone()));
                entry.invalidate().await.expect("carried out");
                sites[0].gate.open();
            };
            let put = servers[0].send("PUT", "/items/1", &[], "slow");
            let (answer, ()) = in_time(async { tokio::join!(put, meanwhile) }).await;
            assert_eq!((answer.status, answer.text()), (200, "slow"));
            assert_eq!(stored(&servers[1], 1).await, None, "{:?}", sites[0].cache);
        }
    }
}
