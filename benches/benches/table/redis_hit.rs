//! A hit in Redis over TCP and over a unix socket: larder against `GET` and decoding over a multiplexed connection, against
//! `cached` and hitbox.

use std::sync::LazyLock;
use std::time::Duration;

use cached::AsyncRedisCache;
use hitbox::concurrency::NoopConcurrencyManager;
use hitbox_core::DisabledOffload;
use hitbox_fn::prelude::PolicyConfig;
use hitbox_redis::{ConnectionMode, RedisBackend};
use larder::Cache;
use larder_benches::{Benchmark, KEYS, User, bare_connection, counted, in_tasks, server_url};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;

const HOUR: Duration = Duration::from_secs(3600);

type Hitbox = hitbox_fn::Cache<RedisBackend, NoopConcurrencyManager, DisabledOffload>;

#[hitbox_fn::cached]
async fn hitbox_user(id: u64) -> User {
    User::new(id)
}

/// The functions of all contestants for one kind of connection.
macro_rules! functions {
    ($module:ident, $variable:literal) => {
        mod $module {
            use super::*;

            pub static URL: LazyLock<String> = LazyLock::new(|| server_url($variable));
            static CACHE: LazyLock<Cache> = LazyLock::new(|| {
                let cache = Cache::builder().url(URL.as_str()).prefix(stringify!($module)).require_redis(true);
                cache.build_blocking().expect("a server")
            });
            static HITBOX: LazyLock<Hitbox> = LazyLock::new(|| {
                let mode = ConnectionMode::single(URL.as_str());
                let backend = RedisBackend::builder().connection(mode).build().expect("a backend");
                let policy = PolicyConfig::builder().ttl(HOUR).build();
                hitbox_fn::Cache::builder().backend(backend).policy(policy).build()
            });

            #[larder::cache(expire = "1h", cache = &*CACHE)]
            pub async fn by_larder(id: u64) -> User {
                User::new(id)
            }

            #[cached::macros::concurrent_cached(
                map_error = |error| error.to_string(),
                ty = "AsyncRedisCache<u64, User>",
                create = "{ AsyncRedisCache::builder(stringify!($module)).ttl(HOUR).connection_string(&URL).build().await.unwrap() }"
            )]
            pub async fn by_cached(id: u64) -> Result<User, String> {
                Ok(User::new(id))
            }

            pub async fn by_hitbox(id: u64) -> User {
                hitbox_user(id).cache(&*HITBOX).await
            }

            pub fn compare(benchmark: &mut Benchmark, runtime: &Runtime) {
                LazyLock::force(&CACHE);
                let connection = runtime.block_on(bare_connection(&URL));
                for tasks in [1, 16, 64, 256] {
                    let contestants = vec![
                        ("redis: multiplexed GET and serde_json", bare(runtime, &connection, tasks)),
                        ("cached concurrent_cached, async redis", {
                            run(runtime, tasks, |id| async move { by_cached(id).await.expect("an answer") })
                        }),
                        ("hitbox cached, redis backend", run(runtime, tasks, by_hitbox)),
                        ("larder", run(runtime, tasks, by_larder)),
                    ];
                    benchmark.compare(&counted(tasks, "task"), contestants);
                }
            }
        }
    };
}

functions!(tcp, "REDIS_URL");
functions!(socket, "REDIS_SOCKET_URL");

type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

fn bare<'a>(runtime: &'a Runtime, connection: &MultiplexedConnection, tasks: u64) -> Run<'a> {
    let connection = connection.clone();
    run(runtime, tasks, move |id| {
        let mut connection = connection.clone();
        async move {
            let bytes: Vec<u8> = connection.get(format!("raw:{id}")).await.expect("an answer");
            serde_json::from_slice(&bytes).expect("a user")
        }
    })
}

/// Warms up and makes what times calls spread over so many tasks.
fn run<'a, F, Fut>(runtime: &'a Runtime, tasks: u64, call: F) -> Run<'a>
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = User> + Send,
{
    let checked = move |id| {
        let user = call(id);
        async move { assert_eq!(user.await.id, id) }
    };
    runtime.block_on(in_tasks(1, KEYS, checked.clone()));
    Box::new(move |calls| runtime.block_on(in_tasks(tasks, calls, checked.clone())))
}

pub fn measure() {
    let runtime = larder_benches::runtime();
    let mut benchmark = Benchmark::new(
        "redis_hit",
        "A hit in Redis",
        "An async function with a struct of 100 bytes, in Redis on the same machine: the wall time divided by the number of calls.",
    )
    .slice(Duration::from_millis(100));
    benchmark.group("TCP");
    tcp::compare(&mut benchmark, &runtime);
    benchmark.group("unix socket");
    socket::compare(&mut benchmark, &runtime);
    benchmark.finish();
}
