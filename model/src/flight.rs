//! Flight: one computation of a key at a time in a process, and who waits for it.

use crate::call::{check, old, returns};
use crate::moves::{Actor, Moves};
use crate::scenario::{CALLERS, Mutation, Scenario};
use crate::state::{Caller, Ground, Kind, Landing, Pc, Plane, Since, State};
use crate::store::{Seen, Stamp, Token, Version};

/// Has the entry computed apart, unless somebody is at it.
pub fn revalidate(scenario: &Scenario, state: &mut State, index: usize) {
    let process = state.callers[index].process;
    if let Some(leader) = state.flying[usize::from(process)] {
        if serves(scenario, state, leader, index) != Some(false) {
            return;
        }
        state.callers[usize::from(leader)].plane.void = true;
    }
    // Where the model has no room for another, the program would have had none either.
    let Some(free) = (0..CALLERS).find(|free| state.callers[*free].pc == Pc::Unused) else { return };
    state.callers[free] = Caller {
        pc: Pc::Ask,
        kind: Kind::Apart,
        process,
        seen: state.callers[index].seen,
        refreshes: true,
        epoch: Some(state.epoch),
        plane: Plane { up: true, ..Plane::default() },
        ..Caller::default()
    };
    state.flying[usize::from(process)] = Some(free as u8);
}

/// Takes the lead, or a place behind who has it.
pub fn board(scenario: &Scenario, state: &mut State, index: usize) {
    let process = usize::from(state.callers[index].process);
    if let Some(leader) = state.flying[process] {
        match serves(scenario, state, leader, index) {
            Some(true) => return state.callers[index].pc = Pc::Follow(leader),
            None => return state.callers[index].pc = Pc::Queue(leader),
            Some(false) => state.callers[usize::from(leader)].plane.void = true,
        }
    }
    state.flying[process] = Some(index as u8);
    state.callers[index].epoch = Some(state.epoch);
    state.callers[index].plane = Plane { up: true, ..Plane::default() };
    if state.callers[index].seen == Seen::Away {
        begins(state, index, None);
    } else {
        state.callers[index].pc = Pc::Ask;
    }
}

/// Whether what a leader will land is new enough for a caller.
fn serves(scenario: &Scenario, state: &State, leader: u8, index: usize) -> Option<bool> {
    if scenario.has(Mutation::FollowBlindly) || scenario.has(Mutation::FlightGoesOn) {
        return Some(true);
    }
    let plane = state.callers[usize::from(leader)].plane;
    // Who cannot see the store can know of no invalidation by another process; that one computes counts for more.
    let Seen::Found(slot, label) = state.callers[index].seen else { return Some(true) };
    match plane.since {
        Since::Future => return Some(true),
        Since::After(begun) if begun & (1 << index) != 0 => return Some(true),
        Since::After(_) => {}
    }
    match plane.ground? {
        Ground::Nothing => None,
        Ground::Lease(token, stamp) => Some(slot.holder() == Some(token) && label == Some(stamp)),
    }
}

pub fn waits(moves: &mut Moves<'_>, who: Actor, index: usize, leader: u8) {
    let plane = moves.state.callers[usize::from(leader)].plane;
    let follows = matches!(moves.state.callers[index].pc, Pc::Follow(_));
    match plane.landing {
        Some(Landing::Value(version)) if follows => {
            return moves.go(who, "takes what landed", |_, state| takes(state, index, version));
        }
        Some(Landing::Failure) if follows => {
            return moves.go(who, "takes the error", |_, state| state.callers[index].pc = Pc::Done);
        }
        _ if !plane.up => {
            return moves.go(who, "boards again", |scenario, state| board(scenario, state, index));
        }
        _ => {}
    }
    if moves.state.left.give_ups > 0 {
        moves.may(who, "has waited too long", |_, state| {
            state.left.give_ups -= 1;
            match old(&state.callers[index]) {
                Some(version) => returns(state, index, version),
                None => begins(state, index, None),
            }
        });
    }
}

/// The computation begins, with a lease or without.
pub fn begins(state: &mut State, index: usize, lease: Option<(Token, Stamp)>) {
    match lease {
        Some((token, stamp)) => take_off(state, index, Ground::Lease(token, stamp)),
        None => begin_alone(state, index),
    }
}

pub fn begin_alone(state: &mut State, index: usize) {
    take_off(state, index, Ground::Nothing);
}

fn take_off(state: &mut State, index: usize, ground: Ground) {
    let begun = state.begun(state.callers[index].process);
    let caller = &mut state.callers[index];
    caller.pc = Pc::Compute;
    if caller.plane.up {
        (caller.plane.since, caller.plane.ground) = (Since::After(begun), Some(ground));
    }
}

/// What a flight landed. A call that could not see the store takes what there is.
fn takes(state: &mut State, index: usize, version: Version) {
    if state.callers[index].seen != Seen::Away {
        check(state, index, version);
    }
    end(state, index);
}

pub fn end(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    let process = usize::from(caller.process);
    (caller.pc, caller.plane.up) = (Pc::Done, false);
    if state.flying[process] == Some(index as u8) {
        state.flying[process] = None;
    }
}
