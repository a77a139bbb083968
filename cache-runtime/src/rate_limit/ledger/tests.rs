//! Both ledgers against models that share nothing with them, on random schedules.

use super::*;
use crate::rate_limit::rate::Rate;
use crate::rate_limit::rules::{LimitAlgorithm, LimitRules};

/// The number of schedules, and of their steps.
const SCHEDULES: u64 = 100_000;
const STEPS: u64 = 16;

/// A generator of random numbers (xorshift), so that a schedule that fails can be made again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A client by brute force.
#[derive(Default)]
struct Model {
    /// All admitted hits that were not given back.
    hits: Vec<u64>,
    /// For each window of a smooth limit, the time that is used up, and the moment of that.
    levels: Vec<(u64, u64)>,
}

impl Model {
    fn in_window(&self, length: u64, now: u64) -> u64 {
        self.hits.iter().filter(|hit| now - **hit < length).count() as u64
    }

    fn used(&self, at: usize, now: u64) -> u64 {
        let (used, since) = self.levels.get(at).copied().unwrap_or_default();
        used.saturating_sub(now - since)
    }

    fn has_room(&self, rules: &LimitRules, at: usize, cost: u64, now: u64) -> bool {
        let window = &rules.windows[at];
        match rules.algorithm {
            LimitAlgorithm::Log => self.in_window(window.length(), now) + cost <= window.rate.limit(),
            LimitAlgorithm::Smooth => {
                self.used(at, now) + cost * window.interval <= window.burst * window.interval
            }
        }
    }

    /// The number of hits that are admitted one after another.
    fn remaining(&self, rules: &LimitRules, at: usize, now: u64) -> u64 {
        (1..).take_while(|cost| self.has_room(rules, at, *cost, now)).count() as u64
    }

    fn apply(&mut self, rules: &LimitRules, op: LedgerOp, allowed: bool, now: u64) {
        self.levels.resize(rules.windows.len(), (0, now));
        let (add, take) = match op {
            LedgerOp::Hit(cost) if allowed => (cost, 0),
            LedgerOp::Refund(hits) => (0, hits),
            LedgerOp::Reset => (0, u64::MAX),
            LedgerOp::Hit(_) | LedgerOp::Peek(_) => return,
        };
        self.hits.truncate(self.hits.len().saturating_sub(usize::try_from(take).unwrap_or(usize::MAX)));
        self.hits.extend((0..add).map(|_| now));
        for (at, window) in rules.windows.iter().enumerate() {
            let used = self.used(at, now) + add * window.interval;
            self.levels[at] = (used.saturating_sub(take.saturating_mul(window.interval)), now);
        }
    }
}

fn random_rules(chance: &mut Chance, algorithm: LimitAlgorithm) -> LimitRules {
    let mut rates: Vec<Rate> = Vec::new();
    for _ in 0..=chance.below(3) {
        let window = std::time::Duration::from_secs(1 + chance.below(4));
        if rates.iter().all(|rate| rate.window() != window) {
            rates.push(Rate::new(1 + chance.below(6), window).expect("a rate"));
        }
    }
    let burst = (chance.below(2) == 0).then(|| 1 + chance.below(6));
    LimitRules::new(&rates, algorithm, burst).expect("rules")
}

fn random_op(chance: &mut Chance, rules: &LimitRules) -> LedgerOp {
    let cost = 1 + chance.below(rules.max_cost());
    match chance.below(10) {
        0 => LedgerOp::Peek(cost),
        1 => LedgerOp::Refund(cost),
        2 if chance.below(4) == 0 => LedgerOp::Reset,
        3 => LedgerOp::Hit(cost),
        _ => LedgerOp::Hit(1),
    }
}

/// Asserts that no window of any beginning holds more hits than its limit.
fn assert_no_window_is_over(rules: &LimitRules, hits: &[u64], story: &str) {
    for window in &rules.windows {
        for first in hits {
            let held = hits.iter().filter(|hit| **hit >= *first && **hit - first < window.length()).count();
            assert!(held as u64 <= window.rate.limit(), "{held} from {first} on\n{story}");
        }
    }
}

fn assert_agrees(algorithm: LimitAlgorithm) {
    for seed in 1..=SCHEDULES {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let rules = random_rules(&mut chance, algorithm);
        let (mut ledger, mut model) = (Ledger::new(algorithm), Model::default());
        let mut now = 1_000_000_000;
        for step in 0..STEPS {
            now += match chance.below(4) {
                0 => 0,
                1 => chance.below(1_000),
                2 => chance.below(1_000_000),
                // The very moment at which something changes.
                _ => 250_000 * chance.below(8),
            };
            let op = random_op(&mut chance, &rules);
            let story = || format!("seed {seed}, step {step}, {op:?} at {now}, {rules:?}, {:?}", model.hits);
            let windows = 0..rules.windows.len();
            let expected = match op {
                LedgerOp::Hit(cost) | LedgerOp::Peek(cost) => {
                    windows.clone().all(|at| model.has_room(&rules, at, cost, now))
                }
                LedgerOp::Refund(_) | LedgerOp::Reset => true,
            };
            let decision = ledger.decide(&rules, op, now);
            if matches!(op, LedgerOp::Hit(_) | LedgerOp::Peek(_)) {
                assert_eq!(decision.allowed, expected, "{}", story());
            }
            let story = story();
            model.apply(&rules, op, decision.allowed, now);
            for at in windows {
                assert_window(&model, &rules, (op, &decision), at, &story);
            }
            let bursts = rules.windows.iter().map(|window| window.burst * window.interval);
            let longest = rules.longest().max(bursts.max().expect("a window"));
            assert!(ledger.ends_at(&rules) <= now + longest, "{story}");
        }
        if algorithm == LimitAlgorithm::Log {
            assert!(ledger.size() as u64 <= rules.windows.iter().map(|window| window.rate.limit()).sum());
        }
        assert_no_window_is_over(&rules, &model.hits, &format!("seed {seed}, {rules:?}, {:?}", model.hits));
    }
}

fn assert_window(model: &Model, rules: &LimitRules, decided: (LedgerOp, &Decision), at: usize, story: &str) {
    let (op, decision) = decided;
    let (now, count) = (decision.at, decision.windows[at]);
    assert_eq!(count.remaining, model.remaining(rules, at, now), "{story}");
    if count.reset > 0 {
        let before = model.remaining(rules, at, now + count.reset - 1);
        let after = model.remaining(rules, at, now + count.reset);
        assert!(before == count.remaining && after > before, "reset {}\n{story}", count.reset);
    } else {
        assert_eq!(count.remaining, rules.windows[at].burst, "{story}");
    }
    let taken = matches!(op, LedgerOp::Hit(_)) && decision.allowed;
    if count.wait > 0 {
        assert!(!taken && !model.has_room(rules, at, op.cost(), now + count.wait - 1), "{story}");
        assert!(model.has_room(rules, at, op.cost(), now + count.wait), "wait {}\n{story}", count.wait);
    } else if !taken {
        assert!(model.has_room(rules, at, op.cost(), now), "{story}");
    }
}

#[test]
fn a_log_decides_as_a_list_of_all_hits_does() {
    assert_agrees(LimitAlgorithm::Log);
}

#[test]
fn a_smooth_ledger_decides_as_a_bucket_that_leaks_does() {
    assert_agrees(LimitAlgorithm::Smooth);
}

#[test]
fn a_smooth_limit_admits_its_limit_in_a_window_and_no_more() {
    for (limit, burst) in [(100, None), (100, Some(1)), (100, Some(100)), (1, None), (3, None), (7, Some(3))]
    {
        let rate = Rate::new(limit, std::time::Duration::from_secs(60)).expect("a rate");
        let rules = LimitRules::new(&[rate], LimitAlgorithm::Smooth, burst).expect("rules");
        let mut ledger = Ledger::new(LimitAlgorithm::Smooth);
        let hits: Vec<u64> = (0..240_000_u64)
            .map(|step| 1_000_000_000 + step * 500)
            .filter(|now| ledger.decide(&rules, LedgerOp::Hit(1), *now).allowed)
            .collect();
        assert_no_window_is_over(&rules, &hits, &format!("{limit} {burst:?}"));
        let first_minute = hits.iter().filter(|hit| **hit < 1_060_000_000).count() as u64;
        assert!(first_minute == limit, "{first_minute} of {limit}, {burst:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_admits_no_more() {
    let rules =
        LimitRules::new(&["3/minute".parse().expect("a rate")], LimitAlgorithm::Log, None).expect("rules");
    for algorithm in [LimitAlgorithm::Log, LimitAlgorithm::Smooth] {
        let mut ledger = Ledger::new(algorithm);
        let mut allowed = 0;
        for now in [5_000_000_000, 4_990_000_000, 4_980_000_000, 4_970_000_000, 4_960_000_000] {
            allowed += u64::from(ledger.decide(&rules, LedgerOp::Hit(1), now).allowed);
        }
        assert!(allowed <= 3, "{algorithm:?} {allowed}");
    }
}
