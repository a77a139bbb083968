//! A hundred hits in one call against one `MGET` with decoding, and against a hundred calls for one id.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Cache, cache, cache_many};
use larder_benches::{Benchmark, User, bare_connection, server_url};
use redis::AsyncCommands;

const IDS: u64 = 100;

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    Cache::builder()
        .url(server_url("REDIS_URL"))
        .prefix("bench")
        .require_redis(true)
        .build_blocking()
        .expect("a server")
});

#[cache(expire = "1h", cache = &*CACHE, entry = user_entry)]
async fn user(id: u64) -> User {
    User::new(id)
}

#[cache_many(of = user_entry)]
async fn users(ids: &[u64]) -> HashMap<u64, User> {
    ids.iter().map(|id| (*id, User::new(*id))).collect()
}

#[cache_many(expire = "1h", cache = &*CACHE)]
async fn own(ids: &[u64]) -> HashMap<u64, User> {
    ids.iter().map(|id| (*id, User::new(*id))).collect()
}

/// Times calls one after the other.
fn timed(calls: u64, call: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..calls).for_each(|_| call());
    started.elapsed()
}

pub fn measure() {
    let runtime = larder_benches::runtime();
    let ids: Vec<u64> = (0..IDS).collect();
    let connection = runtime.block_on(async {
        let mut connection = bare_connection(&server_url("REDIS_URL")).await;
        users(&ids).await;
        own(&ids).await;
        for id in &ids {
            let text = serde_json::to_string(&User::new(*id)).expect("JSON");
            let () = connection.set(format!("many:{id}"), text).await.expect("stored");
        }
        connection
    });
    let by_hand = |calls| {
        timed(calls, || {
            let mut connection = connection.clone();
            let found = runtime.block_on(async {
                let keys: Vec<String> = ids.iter().map(|id| format!("many:{id}")).collect();
                let values: Vec<Vec<u8>> = connection.mget(&keys).await.expect("an answer");
                let decoded =
                    values.iter().map(|bytes| serde_json::from_slice::<User>(bytes).expect("a user"));
                ids.iter().copied().zip(decoded).collect::<HashMap<u64, User>>()
            });
            assert_eq!(found.len(), ids.len());
        })
    };
    let shared = |calls| timed(calls, || assert_eq!(runtime.block_on(users(&ids)).len(), ids.len()));
    let owned = |calls| timed(calls, || assert_eq!(runtime.block_on(own(&ids)).len(), ids.len()));
    let single = |calls| {
        timed(calls, || {
            let found = runtime.block_on(join_all(ids.iter().map(|id| user(*id))));
            assert_eq!(found.len(), ids.len());
        })
    };
    let mut benchmark = Benchmark::new(
        "many",
        "A hundred hits in one call",
        "`cache_many` with a hundred ids in Redis on the same machine: the time of the whole call.",
    )
    .slice(Duration::from_millis(100));
    benchmark.group("a hundred ids");
    benchmark.compare(
        "one task",
        vec![
            ("redis: one MGET and serde_json", Box::new(by_hand)),
            ("larder cache_many, of = user_entry", Box::new(shared)),
            ("larder cache_many", Box::new(owned)),
            ("larder, join_all of a hundred calls", Box::new(single)),
        ],
    );
    benchmark.finish();
}
