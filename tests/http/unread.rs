//! The memory for bodies that clients do not read.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use larder::http::ResponseCacheLayer;
use larder::{Builder, Cache, cache};
use support::connection::Http1;
use support::deployment::shared;
use support::isolated;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;
use support::wire::{response, serve};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const CLIENTS: usize = 300;
const BODY: usize = 9 << 20;
const CHUNK: usize = 64 << 10;
/// The pages that are cached before the clients ask for them.
const CACHED: usize = 4;
/// The limit of `memory://`, which counts beside the bodies.
const STORE: usize = 96 << 20;

/// The documented bound: the bodies, and their copies in the connections to Redis.
const BOUND: usize = (64 << 20) + (64 << 20);

/// The service: pages of nine megabytes that are made as they are read.
#[derive(Clone)]
struct Pages {
    cache: Cache,
    calls: Arc<Calls>,
    /// The pieces that were read.
    pieces: Arc<AtomicUsize>,
}

impl larder::IgnoreInKey for Pages {}

impl Pages {
    fn page(&self, n: usize) -> Response<Body> {
        self.calls.add();
        let pieces = Arc::clone(&self.pieces);
        let body = stream::iter(0..BODY / CHUNK).then(move |piece| {
            let pieces = Arc::clone(&pieces);
            async move {
                if piece % 16 == 0 {
                    tokio::task::yield_now().await;
                }
                pieces.fetch_add(1, SeqCst);
                Ok::<_, io::Error>(Bytes::from(vec![(n ^ piece) as u8; CHUNK]))
            }
        });
        response(200, &[], Body::from_stream(body))
    }
}

#[cache(response, expire = "1h", cache = pages.cache)]
async fn cached(State(pages): State<Pages>, Path(n): Path<usize>) -> Response<Body> {
    pages.page(n)
}

async fn plain(State(pages): State<Pages>, Path(n): Path<usize>) -> Response<Body> {
    pages.page(n)
}

/// A value of this process in bytes.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// Returns the growth of the peak while clients ask for pages and read nothing.
async fn growth(address: SocketAddr, pages: &Pages, uri: impl Fn(usize) -> String) -> usize {
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak is reset");
    let before = memory("VmRSS");
    let asked = join_all((0..CLIENTS).map(async |n| {
        let mut wire = Http1::to(address).await;
        wire.request("GET", &uri(n), &[]).await;
        wire
    }));
    let clients: Vec<TcpStream> = in_time(asked).await.into_iter().map(Http1::into_stream).collect();
    for client in &clients {
        assert!(in_time(client.peek(&mut [0])).await.expect("a response") > 0);
    }
    // Nothing moves any more.
    let seen = Cell::new((0, 0));
    eventually_async(LONG, || {
        let (now, (last, still)) = (pages.pieces.load(SeqCst), seen.get());
        let still = if now == last { still + 1 } else { 0 };
        seen.set((now, still));
        std::future::ready(still == 30)
    })
    .await;
    memory("VmHWM").saturating_sub(before)
}

/// Asks for the pages that are to be cached, and reads them.
async fn fill(address: SocketAddr, path: &str) {
    for n in 0..CACHED {
        eventually_async(LONG, async || {
            let got = Http1::to(address).await.exchange("GET", &format!("{path}/{n}"), &[]).await;
            assert_eq!(got.body.len(), BODY);
            assert!(
                got.body.iter().step_by(CHUNK).enumerate().all(|(piece, byte)| *byte == (n ^ piece) as u8)
            );
            got.x_cache() == "HIT"
        })
        .await;
    }
}

fn bounded(builder: Builder, store: usize) {
    Runtime::new().expect("a runtime").block_on(async {
        let cache = builder.max_memory(STORE).build().await.expect("a cache");
        let pages = Pages { cache: cache.clone(), calls: Arc::default(), pieces: Arc::default() };
        let layered = Router::new().route("/layer/{n}", get(plain));
        let layered = layered.layer(ResponseCacheLayer::new().expire("1h").cache(&cache));
        let router = Router::new().route("/plain/{n}", get(plain)).route("/handler/{n}", get(cached));
        let address = serve(router.merge(layered).with_state(pages.clone())).await;
        // The buffers of the connections, with or without a cache.
        let plain = growth(address, &pages, |n| format!("/plain/{n}")).await;
        for path in ["/handler", "/layer"] {
            let one = growth(address, &pages, |_| format!("{path}/5000")).await;
            let each = growth(address, &pages, |n| format!("{path}/{}", 1000 + n)).await;
            fill(address, path).await;
            let again = growth(address, &pages, |n| format!("{path}/{}", n % CACHED)).await;
            eprintln!("{cache:?} {path}: {} {} {} {}", plain >> 20, one >> 20, each >> 20, again >> 20);
            for grown in [one, each, again] {
                assert!(grown <= plain + BOUND + store, "{path}: {} MiB", grown >> 20);
            }
            // Once the clients have gone, pages are cached and sent as before.
            fill(address, path).await;
        }
    });
}

#[test]
fn clients_that_do_not_read_take_bounded_memory_from_a_cache_in_memory() {
    if isolated!() {
        bounded(Cache::builder().prefix(unique("t")), STORE);
    }
}

#[test]
fn clients_that_do_not_read_take_bounded_memory_from_a_cache_on_redis() {
    if isolated!() {
        bounded(on(shared()), 0);
    }
}
