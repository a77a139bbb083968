//! Both algorithms on both stores against a model by brute force, which replays the times of the verdicts.

use std::time::Duration;

use futures_util::future::join_all;
use larder::Cache;
use larder::rate_limit::{Rate, RateLimit, Verdict};
use larder::test_util::TestClock;
use support::stores::{caches, unique};

/// A generator of random numbers (xorshift), so that a schedule that fails can be made again.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Hit(u64),
    Peek,
    Refund(u64),
    Reset,
}

/// A limit as its documentation describes it.
#[derive(Debug)]
struct Model {
    /// The limits and the lengths of the windows, in microseconds.
    windows: Vec<(u64, u64)>,
    /// The hits at once of a smooth limit.
    burst: Option<u64>,
    hits: Vec<u64>,
    /// For each window the time that is used up, and the moment of that.
    used: Vec<(u64, u64)>,
}

impl Model {
    fn burst_of(&self, at: usize) -> u64 {
        let (limit, _) = self.windows[at];
        self.burst.map_or(limit, |burst| burst.min(limit))
    }

    /// The time in which one hit of a smooth limit comes due.
    fn interval(&self, at: usize) -> u64 {
        let (limit, length) = self.windows[at];
        length.div_ceil(limit - self.burst_of(at) + 1)
    }

    fn used(&self, at: usize, now: u64) -> u64 {
        let (used, since) = self.used[at];
        used.saturating_sub(now - since)
    }

    fn remaining(&self, at: usize, now: u64) -> u64 {
        let (limit, length) = self.windows[at];
        match self.burst {
            None => limit - self.hits.iter().filter(|hit| now - **hit < length).count() as u64,
            Some(_) => self.burst_of(at) - self.used(at, now).div_ceil(self.interval(at)),
        }
    }

    fn admits(&self, cost: u64, now: u64) -> bool {
        (0..self.windows.len()).all(|at| self.remaining(at, now) >= cost)
    }

    fn take(&mut self, cost: u64, now: u64) {
        self.hits.extend((0..cost).map(|_| now));
        for at in 0..self.windows.len() {
            self.used[at] = (self.used(at, now) + cost * self.interval(at), now);
        }
    }

    fn give_back(&mut self, hits: u64, now: u64) {
        self.hits.truncate(self.hits.len().saturating_sub(hits as usize));
        for at in 0..self.windows.len() {
            self.used[at] = (self.used(at, now).saturating_sub(hits * self.interval(at)), now);
        }
    }

    /// Asserts that the verdict is that of the model, at the time of the verdict.
    fn replay(&mut self, step: Step, verdict: &Verdict) {
        let now = verdict.at_micros;
        let (cost, is_hit) = match step {
            Step::Hit(cost) => (cost, true),
            Step::Peek | Step::Reset => (1, false),
            Step::Refund(hits) => {
                self.give_back(hits, now);
                (1, false)
            }
        };
        let admits = self.admits(cost, now);
        assert_eq!(verdict.allowed, admits, "{step:?} {verdict:?}\n{self:?}");
        if is_hit && admits {
            self.take(cost, now);
        }
        for (at, window) in verdict.windows.iter().enumerate() {
            let remaining = self.remaining(at, now);
            // A refusal that is remembered shows the other windows as they were.
            let is_other = is_hit && !admits && window.retry_after.is_zero();
            let is_right =
                if is_other { window.remaining <= remaining } else { window.remaining == remaining };
            assert!(is_right, "{remaining} {step:?} {verdict:?}\n{self:?}");
        }
        if let Some(wait) = verdict.retry_after {
            let then = now + wait.as_micros() as u64;
            assert!(
                self.admits(cost, then) && !self.admits(cost, then - 1),
                "{step:?} {verdict:?}\n{self:?}"
            );
        }
    }

    /// Asserts that no window holds more than its limit, whenever it begins.
    fn assert_no_window_is_over(&self) {
        for (limit, length) in &self.windows {
            for first in &self.hits {
                let held = self.hits.iter().filter(|hit| *hit >= first && *hit - first < *length).count();
                assert!(held as u64 <= *limit, "{self:?}");
            }
        }
    }
}

/// A random limit, and its model.
fn random_limit(cache: &Cache, chance: &mut Chance) -> (RateLimit, Model) {
    let mut rates: Vec<Rate> = Vec::new();
    for _ in 0..=chance.below(3) {
        let window = Duration::from_secs(1 + chance.below(3));
        if rates.iter().all(|rate| rate.window() != window) {
            rates.push(Rate::new(1 + chance.below(6), window).expect("a rate"));
        }
    }
    let burst = (chance.below(2) == 0).then(|| 1 + chance.below(6));
    let mut limit = RateLimit::new(rates[0]).scope(unique("model")).cache(cache);
    for rate in &rates[1..] {
        limit = limit.and(*rate);
    }
    if let Some(burst) = burst {
        limit = limit.burst(burst);
    }
    let windows = rates.iter().map(|rate| (rate.limit(), rate.window().as_micros() as u64));
    let used = vec![(0, 0); rates.len()];
    (limit, Model { windows: windows.collect(), burst, hits: Vec::new(), used })
}

/// Plays a random schedule and asserts that each verdict is that of the model. `pass` lets some milliseconds pass.
async fn play(cache: &Cache, seed: u64, steps: u64, pass: impl AsyncFn(u64)) {
    let mut chance = Chance::new(seed);
    let (limit, mut model) = random_limit(cache, &mut chance);
    let most = (0..model.windows.len()).map(|at| model.burst_of(at)).min().expect("a window");
    for _ in 0..steps {
        if chance.below(3) > 0 {
            pass(chance.below(700)).await;
        }
        let cost = 1 + chance.below(most);
        let step = match chance.below(12) {
            0 => Step::Peek,
            1 => Step::Refund(cost),
            2 if chance.below(3) == 0 => Step::Reset,
            3 | 4 => Step::Hit(cost),
            _ => Step::Hit(1),
        };
        let verdict = match step {
            Step::Hit(cost) => limit.hit_n("ada", cost).await.expect("a verdict"),
            Step::Peek => limit.peek("ada").await,
            Step::Refund(hits) => limit.refund("ada", hits).await.expect("a verdict"),
            Step::Reset => {
                limit.reset("ada").await.expect("a reset");
                model.hits.clear();
                model.used.fill((0, 0));
                limit.peek("ada").await
            }
        };
        model.replay(step, &verdict);
    }
    model.assert_no_window_is_over();
}

#[tokio::test]
async fn a_thousand_schedules_in_memory_are_as_the_model_says() {
    let clock = TestClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().await.expect("a cache");
    for seed in 1..=1_000 {
        play(&cache, seed, 24, async |ms| clock.advance(Duration::from_millis(ms))).await;
    }
}

/// The schedules run at the same time, by the clock of Redis.
#[tokio::test]
async fn a_thousand_schedules_in_redis_are_as_the_model_says() {
    let [_, cache] = caches().await;
    let wait = async |ms| tokio::time::sleep(Duration::from_millis(ms)).await;
    join_all((1..=1_000).map(|seed| play(&cache, seed, 16, wait))).await;
    let stats = cache.stats().total;
    assert_eq!(stats.store_errors, 0);
    assert!(stats.limit_allowed > 1_000 && stats.limit_refused > 1_000, "{stats:?}");
}
