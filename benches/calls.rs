//! Calls from several tasks or threads at once, timed.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::KEYS;

/// A runtime with as many threads in each benchmark.
pub fn runtime() -> Runtime {
    let builder = &mut Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

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
    timed_threads(threads, move |_, barrier| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            barrier.wait();
            for n in 0..calls {
                call(n % KEYS).await;
            }
        });
    })
}

/// The wall time of `calls` synchronous calls on each of `threads` threads. A call takes the number of its thread and the key.
pub fn on_threads_sync<F>(threads: usize, calls: u64, call: F) -> Duration
where
    F: Fn(usize, u64) + Clone + Send + 'static,
{
    timed_threads(threads, move |thread, barrier| {
        barrier.wait();
        for n in 0..calls {
            call(thread, n % KEYS);
        }
    })
}

/// The wall time from the moment when all threads are ready until the last has ended.
fn timed_threads<F>(threads: usize, work: F) -> Duration
where
    F: FnOnce(usize, &Barrier) + Clone + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(threads + 1));
    let handles: Vec<_> = (0..threads)
        .map(|thread| {
            let (work, barrier) = (work.clone(), Arc::clone(&barrier));
            thread::spawn(move || work(thread, &barrier))
        })
        .collect();
    barrier.wait();
    let started = Instant::now();
    for handle in handles {
        handle.join().expect("no call panics");
    }
    started.elapsed()
}
