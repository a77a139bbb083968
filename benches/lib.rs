//! Shared by the benchmarks: the value, calls timed from several tasks or threads at once, and the comparison of contestants.

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

/// The number of warm keys.
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

/// The wall time of `calls` synchronous calls on each of `threads` threads.
pub fn on_threads_sync<F>(threads: usize, calls: u64, call: F) -> Duration
where
    F: Fn(u64) + Clone + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(threads + 1));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (call, barrier) = (call.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for n in 0..calls {
                    call(n % KEYS);
                }
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

/// The number of turns of each contestant.
const ROUNDS: usize = 21;

/// A name, and what runs so many calls and says how long they took.
pub type Contestant<'a> = (&'a str, Box<dyn FnMut(u64) -> Duration + 'a>);

/// Lets contestants take turns in short rounds, and prints the median time of a call and the median over the rounds of each
/// one's speed against the first. So the machine may be busy or change its pace: all are hit alike. An argument of the program
/// leaves out the comparisons whose title does not hold it.
pub fn compare(title: &str, calls: u64, mut contestants: Vec<Contestant<'_>>) {
    if std::env::args().skip(1).any(|arg| !arg.starts_with('-') && !title.contains(&arg)) {
        return;
    }
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

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
