//! What the benchmarks share: the value, and how calls are timed from several tasks or threads at once.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// About 100 bytes as JSON, five allocations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub roles: Vec<String>,
    pub score: f64,
}

impl User {
    pub fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("user number {id}"),
            email: format!("user{id}@example.org"),
            roles: vec!["reader".to_owned(), "writer".to_owned()],
            score: 0.5,
        }
    }
}

/// How many different keys are warm.
pub const KEYS: u64 = 64;

/// The wall time of `calls` calls spread over `tasks` spawned tasks.
pub async fn in_tasks<F, Fut>(tasks: u64, calls: u64, call: F) -> Duration
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let each = calls.div_ceil(tasks);
    let started = Instant::now();
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            let call = call.clone();
            tokio::spawn(async move {
                for n in 0..each {
                    call((task + n) % KEYS).await;
                }
            })
        })
        .collect();
    for handle in handles {
        handle.await.expect("no call panics");
    }
    // As if every call had been asked for, so that the mean per call is right.
    started.elapsed().mul_f64(calls as f64 / (each * tasks) as f64)
}

/// The wall time of `calls` calls on each of `threads` threads, each with an executor of its own.
pub fn on_threads<F, Fut>(threads: usize, calls: u64, call: F) -> Duration
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()>,
{
    let barrier = Arc::new(Barrier::new(threads + 1));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (call, barrier) = (call.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    barrier.wait();
                    for n in 0..calls {
                        call(n % KEYS).await;
                    }
                });
            })
        })
        .collect();
    barrier.wait();
    let started = Instant::now();
    for handle in handles {
        handle.join().expect("no call panics");
    }
    started.elapsed()
}
