//! Measures 50 concurrent callers of one key whose function takes 100 ms and has each kind of result, without a cache, in
//! memory and in Redis. Needs `REDIS_URL`. Prints the table of docs/failure.md.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::{Cache, cache};
use tokio::sync::Barrier;

const CALLERS: usize = 50;
const TAKES: Duration = Duration::from_millis(100);
/// An odd number, so that there is a middle.
const ROUNDS: u64 = 5;

/// An error that those who wait cannot share.
struct Unique;

/// The functions without a cache.
mod plain {
    use super::{TAKES, Unique};

    pub async fn ok(id: u64) -> Result<u64, String> {
        tokio::time::sleep(TAKES).await;
        Ok(id)
    }

    pub async fn clone_error(id: u64) -> Result<u64, String> {
        tokio::time::sleep(TAKES).await;
        Err(id.to_string())
    }

    pub async fn other_error(id: u64) -> Result<u64, Unique> {
        tokio::time::sleep(TAKES).await;
        if id < u64::MAX { Err(Unique) } else { Ok(id) }
    }

    pub async fn panics(id: u64) -> u64 {
        tokio::time::sleep(TAKES).await;
        assert!(id == u64::MAX, "a panic");
        id
    }

    pub async fn none(id: u64) -> Option<u64> {
        tokio::time::sleep(TAKES).await;
        (id == u64::MAX).then_some(id)
    }
}

#[cache(cache = cache, expire = "1h")]
async fn ok(cache: &Cache, id: u64) -> Result<u64, String> {
    plain::ok(id).await
}

#[cache(cache = cache, expire = "1h")]
async fn clone_error(cache: &Cache, id: u64) -> Result<u64, String> {
    plain::clone_error(id).await
}

#[cache(cache = cache, expire = "1h")]
async fn other_error(cache: &Cache, id: u64) -> Result<u64, Unique> {
    plain::other_error(id).await
}

#[cache(cache = cache, expire = "1h")]
async fn panics(cache: &Cache, id: u64) -> u64 {
    plain::panics(id).await
}

#[cache(cache = cache, expire = "1h", unless = |_| true)]
async fn unless(cache: &Cache, id: u64) -> Result<u64, String> {
    plain::ok(id).await
}

#[cache(cache = cache, expire = "1h")]
async fn none(cache: &Cache, id: u64) -> Option<u64> {
    plain::none(id).await
}

const OUTCOMES: [&str; 6] = ["`Ok`", "`Err`, `Clone`", "`Err`, not `Clone`", "panic", "`unless`", "`None`"];

async fn call(outcome: usize, cache: Option<Cache>, id: u64) {
    match (outcome, &cache) {
        (0, Some(cache)) => drop(ok(cache, id).await),
        (1, Some(cache)) => drop(clone_error(cache, id).await),
        (2, Some(cache)) => drop(other_error(cache, id).await),
        (3, Some(cache)) => drop(panics(cache, id).await),
        (4, Some(cache)) => drop(unless(cache, id).await),
        (_, Some(cache)) => drop(none(cache, id).await),
        (0 | 4, None) => drop(plain::ok(id).await),
        (1, None) => drop(plain::clone_error(id).await),
        (2, None) => drop(plain::other_error(id).await),
        (3, None) => drop(plain::panics(id).await),
        (_, None) => drop(plain::none(id).await),
    }
}

/// The times of callers that begin at once, in order.
async fn wave(outcome: usize, cache: Option<&Cache>, id: u64) -> Vec<Duration> {
    let begin = Arc::new(Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (begin, cache) = (Arc::clone(&begin), cache.cloned());
            tokio::spawn(async move {
                begin.wait().await;
                let began = Instant::now();
                // A task of its own, whose panic does not end the measurement.
                drop(tokio::spawn(call(outcome, cache, id)).await);
                began.elapsed()
            })
        })
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.push(caller.await.expect("no panic"));
    }
    times.sort();
    times
}

/// The median and the slowest caller of a wave, each the middle one of all rounds.
#[derive(Clone, Copy)]
struct Times {
    median: Duration,
    slowest: Duration,
}

impl Times {
    fn of(waves: &[Vec<Duration>]) -> Self {
        let middle = |time: fn(&[Duration]) -> Duration| {
            let mut times: Vec<Duration> = waves.iter().map(|wave| time(wave)).collect();
            times.sort();
            times[times.len() / 2]
        };
        Self { median: middle(|wave| wave[CALLERS / 2]), slowest: middle(|wave| wave[CALLERS - 1]) }
    }

    fn cell(self, without: Self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let ratio = self.slowest.as_secs_f64() / without.slowest.as_secs_f64();
        format!("{:.0} / {:.0} ({ratio:.2}x)", ms(self.median), ms(self.slowest))
    }
}

#[tokio::main]
async fn main() {
    let Ok(url) = std::env::var("REDIS_URL") else {
        println!("no REDIS_URL: scripts/bench starts a server");
        return;
    };
    // The panics are part of the measurement.
    std::panic::set_hook(Box::new(|_| {}));
    let memory = Cache::builder().build().await.expect("a cache");
    let redis =
        Cache::builder().url(&url).prefix("failure").require_redis(true).build().await.expect("a cache");
    println!(
        "{CALLERS} callers of one key; the function takes {} ms; median / slowest in ms\n",
        TAKES.as_millis()
    );
    println!("| result | callers | no cache | memory | Redis |\n|---|---|---|---|---|");
    let mut id = 0;
    for (outcome, name) in OUTCOMES.iter().enumerate() {
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for cache in [None, Some(&memory), Some(&redis)] {
            let (mut first_waves, mut later_waves) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                id += 1;
                first_waves.push(wave(outcome, cache, id).await);
                later_waves.push(wave(outcome, cache, id).await);
            }
            first.push(Times::of(&first_waves));
            later.push(Times::of(&later_waves));
        }
        for (callers, times) in [("the first", first), ("those after them", later)] {
            let cells: Vec<String> = times.iter().map(|this| this.cell(times[0])).collect();
            println!("| {name} | {callers} | {} |", cells.join(" | "));
        }
    }
}
