//! Single-flight: one computation of a key at a time in a process, and the callers that wait for it.

use crate::call::{check, returns, stale_value};
use crate::moves::{Actor, Moves};
use crate::scenario::{CALLERS, Mutation, Scenario};
use crate::state::{Basis, CallKind, Caller, Completion, Flight, Pc, Since, State};
use crate::store::{Snapshot, Stamp, Token, Version};

/// Starts a background refresh of the entry, unless a flight exists.
pub fn revalidate(scenario: &Scenario, state: &mut State, index: usize) {
    let process = state.callers[index].process;
    if let Some(leader) = state.leaders[usize::from(process)] {
        let is_stalled = is_stalled(scenario, state, leader);
        let serves = !is_stalled && serves(scenario, state, leader, index) != Some(false);
        if state.marked[usize::from(process)] || serves {
            return;
        }
        let flight = &mut state.callers[usize::from(leader)].flight;
        (flight.void, flight.is_replaced) = (flight.void || !is_stalled, is_stalled);
    }
    // Without a free caller no refresh starts, as in a program whose background is full.
    let Some(free) = (0..CALLERS).find(|free| state.callers[*free].pc == Pc::Unused) else { return };
    state.callers[free] = Caller {
        pc: Pc::Ask,
        kind: CallKind::Background,
        process,
        snapshot: state.callers[index].snapshot,
        refreshes: true,
        epoch: Some(state.epoch),
        flight: Flight { is_active: true, ..Flight::default() },
        ..Caller::default()
    };
    state.leaders[usize::from(process)] = Some(free as u8);
}

/// Becomes the leader, or waits for the current one.
pub fn join(scenario: &Scenario, state: &mut State, index: usize) {
    let process = usize::from(state.callers[index].process);
    if let Some(leader) = state.leaders[process] {
        if state.marked[process] {
            return beside(state, index);
        }
        match serves(scenario, state, leader, index) {
            // This call takes its place: the lease that the call takes ends that of the stalled leader.
            _ if is_stalled(scenario, state, leader) => {
                state.callers[usize::from(leader)].flight.is_replaced = true;
            }
            Some(true) => return state.callers[index].pc = Pc::Follow(leader),
            None => return state.callers[index].pc = Pc::Queue(leader),
            Some(false) => state.callers[usize::from(leader)].flight.void = true,
        }
    }
    state.leaders[process] = Some(index as u8);
    state.callers[index].epoch = Some(state.epoch);
    state.callers[index].flight = Flight { is_active: true, ..Flight::default() };
    if state.callers[index].snapshot == Snapshot::Unavailable {
        begins(state, index, None);
    } else {
        state.callers[index].pc = Pc::Ask;
    }
}

fn is_stalled(scenario: &Scenario, state: &State, leader: u8) -> bool {
    state.callers[usize::from(leader)].flight.is_stalled && !scenario.has(Mutation::FollowsStalled)
}

/// Computes beside the leader, and stores nothing.
pub fn beside(state: &mut State, index: usize) {
    (state.callers[index].epoch, state.callers[index].flight) = (None, Flight::default());
    begin_without_lease(state, index);
}

/// Returns `true` when the leader's result will be new enough for a caller; `None` when that is unknown.
fn serves(scenario: &Scenario, state: &State, leader: u8, index: usize) -> Option<bool> {
    if scenario.has(Mutation::FollowBlindly) || scenario.has(Mutation::FlightNotVoided) {
        return Some(true);
    }
    let flight = state.callers[usize::from(leader)].flight;
    // A caller that cannot read the store cannot know of invalidations by other processes; computing once matters more.
    let Snapshot::Found(slot, label) = state.callers[index].snapshot else { return Some(true) };
    match flight.since {
        Since::Future => return Some(true),
        Since::After(begun) if begun & (1 << index) != 0 => return Some(true),
        Since::After(_) => {}
    }
    match flight.basis? {
        Basis::Nothing => None,
        Basis::Lease(token, stamp) => Some(slot.holder() == Some(token) && label == Some(stamp)),
    }
}

pub fn waits(moves: &mut Moves<'_>, who: Actor, index: usize, leader: u8) {
    let flight = moves.state.callers[usize::from(leader)].flight;
    let follows = matches!(moves.state.callers[index].pc, Pc::Follow(_));
    match flight.completion {
        Some(Completion::Value(version)) if follows => {
            return moves.go(who, "receives the value", |_, state| take(state, index, version));
        }
        Some(Completion::Failure) if follows => {
            return moves.go(who, "receives the error", |_, state| state.callers[index].pc = Pc::Done);
        }
        Some(Completion::Unshared) if follows => {
            return moves.go(who, "computes for itself", |_, state| beside(state, index));
        }
        _ if !flight.is_active || is_stalled(moves.scenario, &moves.state, leader) => {
            return moves.go(who, "joins again", |scenario, state| join(scenario, state, index));
        }
        _ => {}
    }
    if moves.state.left.give_ups > 0 {
        moves.may(who, "has waited too long", |_, state| {
            state.left.give_ups -= 1;
            match stale_value(&state.callers[index]) {
                Some(version) => returns(state, index, version),
                None => begins(state, index, None),
            }
        });
    }
}

/// Starts the computation, with a lease or without.
pub fn begins(state: &mut State, index: usize, lease: Option<(Token, Stamp)>) {
    match lease {
        Some((token, stamp)) => start(state, index, Basis::Lease(token, stamp)),
        None => begin_without_lease(state, index),
    }
}

pub fn begin_without_lease(state: &mut State, index: usize) {
    start(state, index, Basis::Nothing);
}

fn start(state: &mut State, index: usize, basis: Basis) {
    let begun = state.begun(state.callers[index].process);
    let caller = &mut state.callers[index];
    caller.pc = Pc::Compute;
    if caller.flight.is_active {
        (caller.flight.since, caller.flight.basis) = (Since::After(begun), Some(basis));
    }
}

/// Returns the value of a completed flight. A call that could not read the store knows of the
/// invalidations of its own process only.
fn take(state: &mut State, index: usize, version: Version) {
    let caller = state.callers[index];
    if caller.snapshot != Snapshot::Unavailable {
        check(state, index, version);
    } else if version < caller.own_floor {
        state.broken =
            Some("a call without the store returned an older version than its process had invalidated");
    }
    end(state, index);
}

pub fn end(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    let process = usize::from(caller.process);
    (caller.pc, caller.flight.is_active) = (Pc::Done, false);
    if state.leaders[process] == Some(index as u8) {
        state.leaders[process] = None;
    }
}
