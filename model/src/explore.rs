//! Explore: every state that can be reached, breadth first, so that the first violation is a shortest one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::moves::{Move, Moves};
use crate::scenario::Scenario;
use crate::state::{Pc, State};

/// What came of it.
pub struct Report {
    pub states: usize,
    /// What does not hold, and the way there.
    pub violation: Option<(&'static str, Vec<(Move, State)>)>,
}

/// Where a state was found first: behind which state, by which of its moves.
struct Origin {
    parent: u32,
    choice: u16,
}

/// Visits everything.
pub fn explore(scenario: &Scenario) -> Report {
    let first = State::first(scenario);
    let mut origins = vec![Origin { parent: 0, choice: 0 }];
    // Which states are settled, and the moves that happen by themselves, from one state to another.
    let (mut settled, mut fair) = (vec![first.is_settled()], Vec::new());
    let mut indices = HashMap::<u64, u32, BuildHasherDefault<Keep>>::default();
    indices.insert(fingerprint(&first), 0);
    let mut frontier = vec![(0u32, first)];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for (parent, state) in frontier {
            for (choice, (step, state)) in Moves::of(scenario, state).into_iter().enumerate() {
                let print = fingerprint(&state);
                let index = origins.len() as u32;
                let found = *indices.entry(print).or_insert(index);
                if step.fair {
                    fair.push((parent, found));
                }
                if found != index {
                    continue;
                }
                origins.push(Origin { parent, choice: choice as u16 });
                settled.push(state.is_settled());
                if let Some(broken) = state.broken.or_else(|| overlap(scenario, &state)) {
                    return Report {
                        states: origins.len(),
                        violation: Some((broken, way(scenario, &origins, index))),
                    };
                }
                next.push((index, state));
            }
        }
        frontier = next;
    }
    let stuck = stuck(settled, fair);
    let violation = stuck.map(|index| ("somebody can never finish", way(scenario, &origins, index)));
    Report { states: origins.len(), violation }
}

/// Whether a key is computed twice at a time.
fn overlap(scenario: &Scenario, state: &State) -> Option<&'static str> {
    let computes = |pc| matches!(pc, Pc::Compute | Pc::Computed(_) | Pc::Failed);
    for (index, one) in state.callers.iter().enumerate().filter(|(_, caller)| computes(caller.pc)) {
        for two in state.callers[..index].iter().filter(|caller| computes(caller.pc)) {
            let valid = |caller: &crate::state::Caller| caller.plane.up && !caller.plane.void;
            if one.process == two.process && valid(one) && valid(two) {
                return Some("two calls of a process lead a key that is not void");
            }
            // Who took the lead before an invalidation, or while it was under way, may be at it for itself.
            let void = one.plane.void || two.plane.void || one.epoch.is_none() || one.epoch != two.epoch;
            if scenario.is_calm() && !void {
                return Some("a key is computed twice at a time, and nothing was invalidated meanwhile");
            }
        }
    }
    None
}

/// A state from which nobody who waits is ever done, however long nothing new happens.
fn stuck(settled: Vec<bool>, mut fair: Vec<(u32, u32)>) -> Option<u32> {
    let mut ends = settled;
    fair.sort_unstable_by_key(|(_, to)| *to);
    let mut open: Vec<u32> = (0..ends.len() as u32).filter(|index| ends[*index as usize]).collect();
    while let Some(to) = open.pop() {
        let from = fair.partition_point(|(_, other)| *other < to);
        for (state, _) in fair[from..].iter().take_while(|(_, other)| *other == to) {
            if !std::mem::replace(&mut ends[*state as usize], true) {
                open.push(*state);
            }
        }
    }
    ends.iter().position(|ends| !ends).map(|index| index as u32)
}

/// The moves that lead to a state.
fn way(scenario: &Scenario, origins: &[Origin], mut index: u32) -> Vec<(Move, State)> {
    let mut choices = Vec::new();
    while index != 0 {
        let origin = &origins[index as usize];
        choices.push(origin.choice);
        index = origin.parent;
    }
    let mut state = State::first(scenario);
    let mut way = Vec::new();
    for choice in choices.into_iter().rev() {
        let step = Moves::of(scenario, state).swap_remove(usize::from(choice));
        state = step.1;
        way.push(step);
    }
    way
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = Fold { hash: 0x243f_6a88_85a3_08d3, word: 0, bytes: 0 };
    state.hash(&mut hasher);
    hasher.finish()
}

/// A hash by folded multiplication: two states of ten million share one with a chance of about one in a hundred thousand.
struct Fold {
    hash: u64,
    word: u64,
    bytes: u32,
}

impl Fold {
    fn add(&mut self, byte: u8) {
        self.word = self.word << 8 | u64::from(byte);
        self.bytes += 1;
        if self.bytes == 8 {
            self.hash = fold(self.hash ^ self.word);
            (self.word, self.bytes) = (0, 0);
        }
    }
}

fn fold(word: u64) -> u64 {
    let product = u128::from(word) * 0x9e37_79b9_7f4a_7c15;
    ((product as u64) ^ ((product >> 64) as u64)).rotate_left(23).wrapping_add(0x1319_8a2e_0370_7344)
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(*byte));
    }

    /// Which variant of an enum: there are never more than a byte tells.
    fn write_isize(&mut self, variant: isize) {
        self.add(variant as u8);
    }

    fn write_usize(&mut self, len: usize) {
        self.add(len as u8);
    }

    fn finish(&self) -> u64 {
        fold(fold(self.hash ^ self.word) ^ u64::from(self.bytes))
    }
}

/// Takes a fingerprint as it is.
#[derive(Default)]
struct Keep(u64);

impl Hasher for Keep {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
