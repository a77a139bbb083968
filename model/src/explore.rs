//! The search through every reachable state, breadth first, so that the first violation has a shortest path.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::moves::{Move, Moves};
use crate::scenario::Scenario;
use crate::state::{Pc, State};

/// The result of an exploration.
pub struct Report {
    pub states: usize,
    /// The property that does not hold, and the path to it.
    pub violation: Option<(&'static str, Vec<(Move, State)>)>,
}

/// The origin of a state: the state before, and the index of the move from there.
struct Origin {
    parent: u32,
    choice: u16,
}

/// Visits every reachable state.
pub fn explore(scenario: &Scenario) -> Report {
    let first = State::first(scenario);
    let mut origins = vec![Origin { parent: 0, choice: 0 }];
    // The settled states, and the fair moves from one state to another.
    let (mut settled, mut fair) = (vec![first.is_settled()], Vec::new());
    let mut indices = HashMap::<u64, u32, BuildHasherDefault<Identity>>::default();
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
                        violation: Some((broken, path(scenario, &origins, index))),
                    };
                }
                next.push((index, state));
            }
        }
        frontier = next;
    }
    let stuck = stuck(settled, fair);
    let violation = stuck.map(|index| ("a caller can never finish", path(scenario, &origins, index)));
    Report { states: origins.len(), violation }
}

/// Returns the violated property when a key is computed twice at a time.
fn overlap(scenario: &Scenario, state: &State) -> Option<&'static str> {
    let computes = |pc| matches!(pc, Pc::Compute | Pc::Computed(_) | Pc::Failed);
    for (index, one) in state.callers.iter().enumerate().filter(|(_, caller)| computes(caller.pc)) {
        for two in state.callers[..index].iter().filter(|caller| computes(caller.pc)) {
            let valid = |caller: &crate::state::Caller| {
                caller.flight.is_active && !caller.flight.void && !caller.flight.is_replaced
            };
            if one.process == two.process && valid(one) && valid(two) {
                return Some("two calls of a process lead a key that is not void");
            }
            // A leader that began before or during an invalidation may still compute for itself.
            let void = one.flight.void || two.flight.void || one.epoch.is_none() || one.epoch != two.epoch;
            if scenario.is_fault_free() && !void {
                return Some("a key is computed twice at a time, and nothing was invalidated meanwhile");
            }
        }
    }
    None
}

/// Returns a state from which a waiting caller never finishes by fair moves alone.
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

/// Returns the moves that lead to a state.
fn path(scenario: &Scenario, origins: &[Origin], mut index: u32) -> Vec<(Move, State)> {
    let mut choices = Vec::new();
    while index != 0 {
        let origin = &origins[index as usize];
        choices.push(origin.choice);
        index = origin.parent;
    }
    let mut state = State::first(scenario);
    let mut path = Vec::new();
    for choice in choices.into_iter().rev() {
        let step = Moves::of(scenario, state).swap_remove(usize::from(choice));
        state = step.1;
        path.push(step);
    }
    path
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = FoldHasher { hash: 0x243f_6a88_85a3_08d3, word: 0, bytes: 0 };
    state.hash(&mut hasher);
    hasher.finish()
}

/// A hash by folded multiplication: two states of ten million share one with a chance of about one in a hundred thousand.
struct FoldHasher {
    hash: u64,
    word: u64,
    bytes: u32,
}

impl FoldHasher {
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

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(*byte));
    }

    /// The discriminant of an enum; all of them fit into a byte.
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

/// A hasher that returns a fingerprint unchanged.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
