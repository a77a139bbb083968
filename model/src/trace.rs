//! A path through the states, as text.

use std::fmt::Write;

use crate::moves::{Actor, Move};
use crate::state::{CallKind, Caller, State};
use crate::store::{Hold, Slot};

/// Formats a path, one line per move: the actor, the move, and the content of Redis after it.
pub fn format(path: &[(Move, State)]) -> String {
    let mut text = String::new();
    for (step, state) in path {
        let line = format!("{} {}", name(step.actor, state), step.text);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {line:<58} | {}", world(state));
    }
    text
}

fn name(actor: Actor, state: &State) -> String {
    match actor {
        Actor::World => "-".to_owned(),
        Actor::Writer(index) => format!("P{index} writer"),
        Actor::Caller(index) => {
            let Caller { process, kind, .. } = state.callers[usize::from(index)];
            let kind = match kind {
                CallKind::Call => "call",
                CallKind::Background => "refresh",
                CallKind::Forced => "forced",
            };
            format!("P{process} {kind} {index}")
        }
    }
}

fn world(state: &State) -> String {
    let slot = match state.store.slot {
        Slot::Absent => "empty".to_owned(),
        Slot::Conceded(stamp) => format!("not cached under stamp {stamp}"),
        Slot::Vacant(token, stamp) => format!("lease {:02x}, stamp {stamp}", token.0),
        Slot::Entry(entry) => {
            let old = if entry.is_stale { ", stale" } else { "" };
            let hold = match entry.hold {
                Hold::Anybody => String::new(),
                Hold::Pause => ", paused".to_owned(),
                Hold::Lease(token) => format!(", lease {:02x}", token.0),
            };
            format!("v{} stamp {}{old}{hold}", entry.version, entry.stamp)
        }
    };
    let put = state.store.put.map_or_else(String::new, |token| format!(", put {:02x}", token.0));
    let label = state.store.label.map_or("-".to_owned(), |label| label.to_string());
    format!("slot: {slot}{put}; label: {label}; database v{}, invalidated v{}", state.database, state.floor)
}
