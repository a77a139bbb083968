//! Measures a hundred hits in one call against one `MGET` with decoding, and against a hundred calls for one id. Needs `REDIS_URL`.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::{Cache, cache, cache_many};
use larder_benches::{User, compare};
use redis::AsyncCommands;

const IDS: u64 = 100;

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL");
    Cache::builder().url(url).prefix("bench").require_redis(true).build_blocking().expect("a server")
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

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let ids: Vec<u64> = (0..IDS).collect();
    let connection = runtime.block_on(async {
        let url = std::env::var("REDIS_URL").expect("REDIS_URL");
        let info = redis::IntoConnectionInfo::into_connection_info(url.as_str()).expect("a URL");
        let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
        let client = redis::Client::open(info).expect("a client");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
        users(&ids).await;
        own(&ids).await;
        for id in &ids {
            let text = serde_json::to_string(&User::new(*id)).expect("JSON");
            let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
        }
        connection
    });
    let timed = |calls: u64, call: &dyn Fn()| -> Duration {
        let started = Instant::now();
        (0..calls).for_each(|_| call());
        started.elapsed()
    };
    let by_hand = |calls| {
        timed(calls, &|| {
            let mut connection = connection.clone();
            let found = runtime.block_on(async {
                let keys: Vec<String> = ids.iter().map(|id| format!("raw:{id}")).collect();
                let values: Vec<Vec<u8>> = connection.mget(&keys).await.expect("an answer");
                let decoded = values.iter().map(|bytes| serde_json::from_slice::<User>(bytes).expect("a user"));
                ids.iter().copied().zip(decoded).collect::<HashMap<u64, User>>()
            });
            assert_eq!(found.len(), ids.len());
        })
    };
    let shared = |calls| timed(calls, &|| assert_eq!(runtime.block_on(users(&ids)).len(), ids.len()));
    let owned = |calls| timed(calls, &|| assert_eq!(runtime.block_on(own(&ids)).len(), ids.len()));
    let single = |calls| {
        timed(calls, &|| {
            let found = runtime.block_on(join_all(ids.iter().map(|id| user(*id))));
            assert_eq!(found.len(), ids.len());
        })
    };
    compare(
        "a hundred hits in Redis, one task",
        400,
        vec![
            ("one MGET and decoding", Box::new(by_hand)),
            ("cache_many, of = user_entry", Box::new(shared)),
            ("cache_many", Box::new(owned)),
            ("join_all of a hundred calls", Box::new(single)),
        ],
    );
}
