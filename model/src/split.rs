//! The steps of a label in another slot than the key: a read is two, stamps are noted before a lease and compared before a
//! fill.

use crate::call::lookup_done;
use crate::flight::{begins, end};
use crate::moves::{Actor, Moves};
use crate::scenario::{Mutation, Scenario, Write};
use crate::state::{CallKind, Half, Pc, State, Writer};
use crate::store::{Op, Slot, Snapshot, Stamp, Token, Version};

/// Adds the next half of a lookup: key and label are read at the same time, and either may come first.
pub fn looks_up(moves: &mut Moves<'_>, who: Actor, index: usize) {
    let caller = moves.state.callers[index];
    if let (Pc::LookupAgain(_), Snapshot::Found(_, label)) = (caller.pc, caller.snapshot)
        && moves.scenario.has(Mutation::KeepsFirstStamp)
    {
        return moves.go(who, "reads the key again, not the label", |_, state| {
            lookup_done(state, index, Snapshot::Found(state.store.slot, label));
        });
    }
    if !matches!(caller.half, Some(Half::Key(_))) {
        moves.go(who, "MGET of the key", |scenario, state| {
            let slot = state.store.slot;
            read(scenario, state, index, Half::Key(slot));
        });
    }
    if !matches!(caller.half, Some(Half::Label(_))) {
        moves.go(who, "MGET of the label", |scenario, state| {
            let label = state.store.label;
            read(scenario, state, index, Half::Label(label));
        });
    }
}

/// Takes over one half of a lookup, and ends the lookup with the second.
fn read(scenario: &Scenario, state: &mut State, index: usize, half: Half) {
    let caller = &mut state.callers[index];
    let (slot, label) = match (caller.half, half) {
        (Some(Half::Key(slot)), Half::Label(label)) | (Some(Half::Label(label)), Half::Key(slot)) => {
            (slot, label)
        }
        _ => return caller.half = Some(half),
    };
    let label = match slot {
        // The mutation takes the stamp of the entry for the current one.
        Slot::Entry(entry) if scenario.has(Mutation::ReaderComparesNoStamps) => Some(entry.stamp),
        _ => label,
    };
    lookup_done(state, index, Snapshot::Found(slot, label));
}

/// Notes the stamp, before the lease is requested.
pub fn notes(moves: &mut Moves<'_>, who: Actor, index: usize) {
    moves.go(who, "reads or creates the stamp", |scenario, state| {
        state.callers[index].noted = Some(stamp(scenario, state));
    });
    if moves.can_time_out() {
        moves.may(who, "gets no stamp in time", |_, state| {
            state.left.timeouts -= 1;
            state.orphan = Some(Op::Stamp);
            match state.callers[index].kind {
                CallKind::Background => end(state, index),
                CallKind::Call | CallKind::Forced => begins(state, index, None),
            }
        });
    }
}

fn stamp(scenario: &Scenario, state: &mut State) -> Stamp {
    let fresh = state.fresh_stamp();
    if scenario.has(Mutation::OverwritesStamps) {
        state.store.label = Some(fresh);
    }
    state.store.label_or(None, fresh)
}

/// Compares the stamp and extends its expiry, before the value is stored.
pub fn keeps(moves: &mut Moves<'_>, who: Actor, index: usize, noted: Stamp) {
    moves.go(who, "compares and extends the stamp", |scenario, state| {
        let is_current = is_current(scenario, state, noted);
        let caller = &mut state.callers[index];
        caller.is_kept = is_current;
        if !is_current {
            caller.pc = Pc::Filled(false);
        }
    });
    if moves.can_time_out() {
        moves.may(who, "learns in vain whether the stamp is current", |_, state| {
            state.left.timeouts -= 1;
            let caller = &mut state.callers[index];
            caller.release = caller.lease.take().map(|(token, _)| (token, false));
            end(state, index);
        });
    }
}

fn is_current(scenario: &Scenario, state: &mut State, noted: Stamp) -> bool {
    if scenario.has(Mutation::RestoresStamps) {
        state.store.label.get_or_insert(noted);
    }
    scenario.has(Mutation::FillComparesNoStamps)
        || scenario.has(Mutation::StampsOfTheFill)
        || state.store.label == Some(noted)
}

/// Adds the move of a writer that is another one than in a single slot; returns `false` if there is none.
pub fn writes(moves: &mut Moves<'_>, index: usize) -> bool {
    match moves.state.writers[index] {
        Writer::Voided(Write::Put, version, _) => notes_claim(moves, index, version),
        Writer::Voided(write @ Write::LeasedPut, version, Some((token, stamp))) => {
            keeps_put(moves, index, write, (Some(token), stamp, version));
        }
        Writer::Claimed(token, stamp, version) => {
            keeps_put(moves, index, Write::Put, (token, stamp, version));
        }
        _ => return false,
    }
    true
}

/// Notes the stamp for the lease of a put that is taken before the write to the database.
pub fn notes_put(moves: &mut Moves<'_>, index: usize) {
    moves.may(Actor::Writer(index as u8), "reads or creates the stamp for a put", |scenario, state| {
        state.left.writes -= 1;
        let stamp = stamp(scenario, state);
        state.writers[index] = Writer::Noted(Write::LeasedPut, 0, stamp);
    });
}

/// Notes the stamp for a put after the write to the database.
fn notes_claim(moves: &mut Moves<'_>, index: usize, version: Version) {
    moves.go(Actor::Writer(index as u8), "reads or creates the stamp", |scenario, state| {
        let stamp = stamp(scenario, state);
        state.writers[index] = Writer::Noted(Write::Put, version, stamp);
    });
    moves.times_out(index, Op::Stamp);
}

/// Compares the stamp of a put and extends its expiry, before the value is stored.
fn keeps_put(
    moves: &mut Moves<'_>,
    index: usize,
    write: Write,
    (token, stamp, version): (Option<Token>, Stamp, Version),
) {
    moves.go(Actor::Writer(index as u8), "compares and extends the stamp", |scenario, state| {
        state.writers[index] = if is_current(scenario, state, stamp) {
            Writer::Kept(write, token, stamp, version)
        } else {
            Writer::Refused(version)
        };
    });
}

/// Adds the loss of one of the two nodes' content.
pub fn flushes(moves: &mut Moves<'_>) {
    moves.may(Actor::World, "the node of the key loses its content", |_, state| {
        state.left.flushes -= 1;
        (state.store.slot, state.store.put, state.store.side) = (Slot::Absent, None, None);
    });
    moves.may(Actor::World, "the node of the label loses its content", |_, state| {
        state.left.flushes -= 1;
        state.store.label = None;
    });
}
