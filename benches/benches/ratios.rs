//! The figures of the README: contestants take turns in short rounds, and what is printed is the median over the rounds
//! of each one's speed against the first of its group. So the machine may be busy or change its pace: all are hit alike.

use std::env;
use std::hint::black_box;
use std::time::Duration;

use cached::AsyncRedisCache;
use larder_benches::{KEYS, User, in_tasks, on_threads};
use redis::AsyncCommands;
use tokio::runtime::Runtime;

const ROUNDS: usize = 21;

/// Runs `calls` calls and says how long they took.
type Contestant<'a> = (&'a str, Box<dyn FnMut(u64) -> Duration + 'a>);

fn compare(title: &str, calls: u64, mut contestants: Vec<Contestant<'_>>) {
    let mut rounds = vec![Vec::new(); contestants.len()];
    for (_, run) in &mut contestants {
        run(calls);
    }
    for round in 0..ROUNDS {
        // Each begins as often as every other.
        for turn in 0..contestants.len() {
            let index = (turn + round) % contestants.len();
            rounds[index].push(contestants[index].1(calls).as_secs_f64() * 1e9 / calls as f64);
        }
    }
    println!("\n{title}");
    for (index, (name, _)) in contestants.iter().enumerate() {
        let ratios = rounds[0].iter().zip(&rounds[index]).map(|(first, this)| first / this).collect();
        println!("  {:<42} {:>9.0} ns   {:>5.2}x", name, median(rounds[index].clone()), median(ratios));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

mod memory {
    use super::*;

    #[larder::cache(expire = "1h", cache = cache)]
    async fn by_larder(cache: &larder::Cache, id: u64) -> User {
        User::new(id)
    }

    #[larder::cache(expire = "1h")]
    async fn by_larder_global(id: u64) -> User {
        User::new(id)
    }

    #[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
    async fn by_cached_concurrent(id: u64) -> User {
        User::new(id)
    }

    #[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
    async fn by_cached(id: u64) -> User {
        User::new(id)
    }

    pub fn hits() {
        let own = larder::Cache::builder().url("memory://").build_blocking().expect("a cache");
        let own: &'static larder::Cache = Box::leak(Box::new(own));
        for threads in [1, 2] {
            compare(
                &format!("hit in the process, 100-byte struct, {threads} threads"),
                200_000,
                vec![
                    ("cached: concurrent_cached(max_size, ttl)", Box::new(move |calls| on_threads(threads, calls, |id| async move { drop(black_box(by_cached_concurrent(black_box(id)).await)) }))),
                    ("cached: cached(max_size, ttl)", Box::new(move |calls| on_threads(threads, calls, |id| async move { drop(black_box(by_cached(black_box(id)).await)) }))),
                    ("larder: memory://", Box::new(move |calls| on_threads(threads, calls, |id| async move { drop(black_box(by_larder_global(black_box(id)).await)) }))),
                    ("larder: memory://, cache = ..", Box::new(move |calls| on_threads(threads, calls, move |id| async move { drop(black_box(by_larder(own, black_box(id)).await)) }))),
                ],
            );
        }
    }
}

mod redis_server {
    use super::*;
    use std::sync::LazyLock;

    static URL: LazyLock<String> = LazyLock::new(|| env::var("REDIS_URL").unwrap_or_default());

    static CACHE: LazyLock<larder::Cache> = LazyLock::new(|| {
        larder::Cache::builder().url(URL.clone()).prefix("bench").require_redis(true).build_blocking().expect("a server")
    });

    #[larder::cache(expire = "1h", cache = &*CACHE)]
    async fn by_larder(id: u64) -> User {
        User::new(id)
    }

    #[cached::macros::concurrent_cached(
        map_error = |error| error.to_string(),
        ty = "AsyncRedisCache<u64, User>",
        create = "{ AsyncRedisCache::builder(\"bench\").ttl(std::time::Duration::from_secs(3600)).connection_string(&URL).build().await.unwrap() }"
    )]
    async fn by_cached(id: u64) -> Result<User, String> {
        Ok(User::new(id))
    }

    pub fn hits() {
        if URL.is_empty() {
            println!("\nno REDIS_URL: the hits in Redis are left out; scripts/bench starts a server for them");
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let connection = runtime.block_on(async {
            let info = redis::IntoConnectionInfo::into_connection_info(URL.as_str()).expect("a URL");
            let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
            let client = redis::Client::open(info).expect("a client");
            let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
            for id in 0..KEYS {
                by_larder(id).await;
                by_cached(id).await.expect("stored");
                let text = serde_json::to_string(&User::new(id)).expect("JSON");
                let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
            }
            connection
        });
        for tasks in [1, 16, 64] {
            round(&runtime, &connection, tasks);
        }
    }

    fn round(runtime: &Runtime, connection: &redis::aio::MultiplexedConnection, tasks: u64) {
        let calls = if tasks == 1 { 4_000 } else { 30_000 };
        let bare = move |calls| {
            let connection = connection.clone();
            runtime.block_on(in_tasks(tasks, calls, move |id| {
                let mut connection = connection.clone();
                async move {
                    let bytes: Vec<u8> = connection.get(format!("raw:{id}")).await.expect("an answer");
                    let user: User = serde_json::from_slice(&bytes).expect("a user");
                    assert_eq!(user.id, id);
                }
            }))
        };
        let larder = move |calls| runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(by_larder(id).await.id, id) }));
        let cached = move |calls| {
            runtime.block_on(in_tasks(tasks, calls, |id| async move { assert_eq!(by_cached(id).await.expect("an answer").id, id) }))
        };
        compare(
            &format!("hit in Redis on this machine, 100-byte struct, {tasks} tasks"),
            calls,
            vec![
                ("bare multiplexed GET and serde_json", Box::new(bare)),
                ("cached: concurrent_cached, async redis", Box::new(cached)),
                ("larder", Box::new(larder)),
            ],
        );
    }
}

fn main() {
    larder::Cache::builder().url("memory://").init_blocking().expect("the first init");
    memory::hits();
    redis_server::hits();
}
