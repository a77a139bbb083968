//! The search through every reachable state of a world with one late tag, breadth first.

use std::collections::HashMap;
use std::fmt::Write;

use crate::late::moves::late_moves;
use crate::late::state::LateState;
use crate::late::worlds::LateWorld;

/// The result of an exploration.
pub struct LateReport {
    pub states: usize,
    /// The moves to a call that got an older version than one that was invalidated before.
    pub violation: Option<String>,
}

/// Visits every reachable state.
pub fn explore(world: &LateWorld) -> LateReport {
    let first = LateState::first(world.budget);
    let mut indices = HashMap::from([(first, 0u32)]);
    let (mut parents, mut frontier) = (vec![0u32], vec![first]);
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for state in frontier {
            let parent = indices[&state];
            for (_, state) in late_moves(world, &state) {
                let index = parents.len() as u32;
                if *indices.entry(state).or_insert(index) != index {
                    continue;
                }
                parents.push(parent);
                if state.is_broken {
                    return LateReport {
                        states: parents.len(),
                        violation: Some(path(world, &parents, &indices, index)),
                    };
                }
                next.push(state);
            }
        }
        frontier = next;
    }
    LateReport { states: parents.len(), violation: None }
}

/// Returns the moves that lead to a state, one on a line with what is stored after it.
fn path(world: &LateWorld, parents: &[u32], indices: &HashMap<LateState, u32>, mut index: u32) -> String {
    let mut way = Vec::new();
    while index != 0 {
        way.push(index);
        index = parents[index as usize];
    }
    let (mut state, mut text) = (LateState::first(world.budget), String::new());
    for wanted in way.into_iter().rev() {
        let step = late_moves(world, &state).into_iter().find(|(_, next)| indices.get(next) == Some(&wanted));
        let Some((name, next)) = step else { break };
        state = next;
        let LateState { counter, tag, entry, database, floor, .. } = state;
        let tag = tag.map(|tag| (tag.stamp, tag.count));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "    {name:<58} | counter {counter:?}; tag {tag:?}; entry {entry:?}; database v{database}, invalidated v{floor}"
        );
    }
    text
}
