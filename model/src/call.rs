//! The steps of a cached call, of a background refresh, and of `refresh(..)`.

use crate::flight::{begin_without_lease, begins, end, join, revalidate, waits};
use crate::moves::{Actor, Moves};
use crate::scenario::{Mutation, Policy, Scenario};
use crate::split;
use crate::state::{CallKind, Caller, Completion, Pc, Since, State, Why};
use crate::store::{Entry, LeaseMode, Leased, Op, Slot, Snapshot, Version};

/// Adds the moves of one caller.
pub fn moves(moves: &mut Moves<'_>, index: usize) {
    let who = Actor::Caller(index as u8);
    let caller = moves.state.callers[index];
    if let Some((token, pause)) = caller.release {
        moves.go(who, "RELEASE", |scenario, state| {
            state.store.run(scenario, Op::Release(token, pause), 0);
            state.callers[index].release = None;
        });
    }
    if caller.flight.is_stalled {
        // Its task goes on with it once it has what it waits for: here, what the calls behind the leader return.
        if !is_awaited(&moves.state, index) {
            moves.go(who, "is polled again", |_, state| state.callers[index].flight.is_stalled = false);
        }
        return;
    }
    if caller.pc == Pc::Compute && caller.flight.is_active && moves.state.left.stalls > 0 {
        moves.may(who, "is woken, and not polled", |_, state| {
            state.left.stalls -= 1;
            state.callers[index].flight.is_stalled = true;
        });
    }
    match caller.pc {
        Pc::Idle if is_next(&moves.state, index) => moves.may(who, "begins", |_, state| begin(state, index)),
        Pc::Lookup | Pc::LookupAgain(_) => lookup(moves, who, index),
        Pc::LookedUp => {
            moves.go(who, "reads what it found", |scenario, state| decide(scenario, state, index))
        }
        Pc::Follow(leader) | Pc::Queue(leader) => waits(moves, who, index, leader),
        Pc::Ask => asks(moves, who, index),
        Pc::Asked(answer) => {
            moves.go(who, text(answer), |scenario, state| answered(scenario, state, index, answer))
        }
        Pc::Held => held(moves, who, index),
        Pc::LookedUpAgain(why, snapshot) => {
            moves.go(who, "reads what it found", |_, state| found(state, index, why, snapshot));
        }
        Pc::Compute => computes(moves, who, index),
        Pc::Computed(version) => moves.go(who, "is done, and completes", |scenario, state| {
            computed(scenario, state, index, version);
        }),
        Pc::Failed => {
            moves.go(who, "has failed, and shares the error", |_, state| failed(state, index, true));
            moves.go(who, "has failed, with an error of its own", |_, state| failed(state, index, false));
        }
        Pc::Fill(version) => fills(moves, who, index, version),
        Pc::Filled(stored) => {
            moves.go(who, if stored { "has stored it" } else { "was refused" }, |_, state| {
                let lease = state.callers[index].lease.take();
                state.callers[index].release = lease.filter(|_| !stored).map(|(token, _)| (token, false));
                end(state, index);
            })
        }
        Pc::Idle | Pc::Unused | Pc::Done | Pc::Killed => {}
    }
}

/// Returns `true` while another call of the process is not done.
fn is_awaited(state: &State, index: usize) -> bool {
    let process = state.callers[index].process;
    state.callers.iter().enumerate().any(|(other, caller)| {
        let is_over = matches!(caller.pc, Pc::Unused | Pc::Idle | Pc::Done | Pc::Killed);
        other != index && caller.process == process && !is_over && !caller.flight.is_stalled
    })
}

/// Returns `true` for the first idle caller of its process: idle callers are alike, so they begin in order.
fn is_next(state: &State, index: usize) -> bool {
    let Caller { process, kind, .. } = state.callers[index];
    let before = &state.callers[..index];
    !before.iter().any(|other| other.pc == Pc::Idle && other.process == process && other.kind == kind)
}

fn begin(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    caller.floor = state.floor;
    caller.own_floor = state.own_floors[usize::from(caller.process)];
    caller.pc = if caller.kind == CallKind::Forced { Pc::Ask } else { Pc::Lookup };
}

fn lookup(moves: &mut Moves<'_>, who: Actor, index: usize) {
    if moves.scenario.is_split {
        split::looks_up(moves, who, index);
    } else {
        moves.go(who, "MGET", |_, state| {
            let snapshot = state.store.lookup();
            lookup_done(state, index, snapshot);
        });
    }
    if moves.can_time_out() {
        moves.may(who, "gets no answer to its MGET", |_, state| {
            state.left.timeouts -= 1;
            lookup_done(state, index, Snapshot::Unavailable);
        });
    }
}

pub fn lookup_done(state: &mut State, index: usize, snapshot: Snapshot) {
    let caller = &mut state.callers[index];
    caller.half = None;
    if let Pc::LookupAgain(why) = caller.pc {
        caller.pc = Pc::LookedUpAgain(why, snapshot);
        return;
    }
    (caller.pc, caller.snapshot) = (Pc::LookedUp, snapshot);
    if let Some(Entry { is_stale: false, version, .. }) = snapshot.entry() {
        // A hit affects no other caller, so the order of the steps that follow does not matter.
        returns(state, index, version);
    }
}

/// Decides after the first lookup.
fn decide(scenario: &Scenario, state: &mut State, index: usize) {
    let snapshot = state.callers[index].snapshot;
    match snapshot.entry() {
        Some(entry) if scenario.policy == Policy::Revalidate => {
            revalidate(scenario, state, index);
            return returns(state, index, entry.version);
        }
        entry => state.callers[index].refreshes = entry.is_some(),
    }
    join(scenario, state, index);
}

fn asks(moves: &mut Moves<'_>, who: Actor, index: usize) {
    let caller = moves.state.callers[index];
    if caller.flight.void && !moves.scenario.has(Mutation::VoidLeaderAsks) {
        // Its request would take the lease from the current leader: a process does not refuse itself.
        return moves.go(who, "is void, and joins again", |scenario, state| {
            state.callers[index].noted = None;
            match caller.kind {
                CallKind::Background => end(state, index),
                CallKind::Call | CallKind::Forced => join(scenario, state, index),
            }
        });
    }
    if moves.scenario.is_split && caller.noted.is_none() {
        return split::notes(moves, who, index);
    }
    let token = moves.state.fresh_token(usize::from(caller.process));
    let mode = match caller.kind {
        CallKind::Forced => LeaseMode::Force,
        _ if caller.refreshes => LeaseMode::Refresh,
        _ => LeaseMode::Miss,
    };
    moves.go(who, "LEASE", |scenario, state| {
        let fresh = state.fresh_stamp();
        let label = state.store.label_or(caller.noted, fresh);
        let answer = state.store.lease(scenario, token, mode, caller.snapshot, label);
        let epoch = state.epoch;
        let caller = &mut state.callers[index];
        caller.noted = None;
        caller.pc = Pc::Asked(answer);
        if let Leased::Granted(stamp) = answer {
            caller.lease = Some((token, stamp));
            caller.epoch = caller.epoch.filter(|began| *began == epoch);
        }
    });
    if moves.can_time_out() {
        moves.may(who, "gets no answer to its LEASE", |_, state| {
            state.left.timeouts -= 1;
            state.orphan = Some(Op::Lease(token, mode, caller.snapshot, caller.noted));
            state.callers[index].noted = None;
            state.callers[index].release = Some((token, false));
            match caller.kind {
                CallKind::Background => end(state, index),
                CallKind::Call | CallKind::Forced => begins(state, index, None),
            }
        });
    }
}

fn answered(scenario: &Scenario, state: &mut State, index: usize, answer: Leased) {
    let caller = state.callers[index];
    match answer {
        Leased::Granted(_) => {
            if let Snapshot::Found(Slot::Conceded(_), _) = caller.snapshot {
                let_go(state, index);
            }
            begins(state, index, caller.lease);
        }
        Leased::Held if scenario.has(Mutation::RefusedCallersCompute) => begins(state, index, None),
        _ if caller.kind == CallKind::Background => end(state, index),
        Leased::Held if state.marked[usize::from(caller.process)] => {
            // The wait may be for nothing.
            state.callers[index].epoch = None;
            begins(state, index, None);
        }
        Leased::Held => state.callers[index].pc = Pc::Held,
        Leased::Paused => match stale_value(&caller) {
            Some(version) => returns(state, index, version),
            None => lookup_again(scenario, state, index, Why::Changed),
        },
        Leased::Changed => lookup_again(scenario, state, index, Why::Changed),
    }
}

/// Another process had a result that was not cached: nobody waits.
fn let_go(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    if caller.flight.is_active {
        caller.flight.completion = Some(Completion::Unshared);
        state.marked[usize::from(caller.process)] |= !caller.flight.void;
    }
}

/// Another process computes: reads again when the entry has changed.
fn held(moves: &mut Moves<'_>, who: Actor, index: usize) {
    if !is_unchanged(moves.state.store.lookup(), moves.state.callers[index].snapshot) {
        moves.go(who, "reads again", |scenario, state| lookup_again(scenario, state, index, Why::Held));
    } else if !moves.scenario.has(Mutation::AsksOnce) {
        moves.go(who, "asks again, as the lease may have lapsed", |_, state| {
            state.callers[index].pc = Pc::Ask
        });
    }
    if moves.state.left.give_ups > 0 {
        moves.may(who, "has waited too long", |_, state| {
            state.left.give_ups -= 1;
            begins(state, index, None);
        });
    }
}

fn lookup_again(scenario: &Scenario, state: &mut State, index: usize, why: Why) {
    let begun = state.begun(state.callers[index].process);
    let caller = &mut state.callers[index];
    caller.pc = Pc::LookupAgain(why);
    if !scenario.has(Mutation::SharesOldFinds) {
        caller.flight.since = Since::After(begun);
    }
}

/// Returns `true` when no visible change justifies another request. A lapsed lease is not visible in an entry.
fn is_unchanged(now: Snapshot, before: Snapshot) -> bool {
    let (Snapshot::Found(slot, label), Snapshot::Found(old_slot, old_label)) = (now, before) else {
        return false;
    };
    if let Slot::Conceded(_) = slot {
        return false;
    }
    let fresh = now.entry().is_some_and(|entry| !entry.is_stale);
    let kept = slot != Slot::Absent && slot.without_lease() == old_slot.without_lease();
    !fresh && label == old_label && (matches!(slot, Slot::Vacant(..)) || kept)
}

/// Decides after another lookup of the leader.
fn found(state: &mut State, index: usize, why: Why, snapshot: Snapshot) {
    let before = state.callers[index].snapshot;
    if let Some(Entry { is_stale: false, version, .. }) = snapshot.entry() {
        state.callers[index].flight.completion = Some(Completion::Value(version));
        return returns(state, index, version);
    }
    let caller = &mut state.callers[index];
    caller.flight.since = Since::Future;
    if snapshot == Snapshot::Unavailable {
        return begin_without_lease(state, index);
    }
    if why == Why::Held && is_unchanged(snapshot, before) {
        return caller.pc = Pc::Held;
    }
    (caller.snapshot, caller.refreshes, caller.pc) = (snapshot, snapshot.entry().is_some(), Pc::Ask);
}

fn computes(moves: &mut Moves<'_>, who: Actor, index: usize) {
    moves.go(who, "reads the database", |_, state| {
        state.callers[index].pc = Pc::Computed(state.database);
    });
    if moves.state.left.failures > 0 {
        moves.may(who, "cannot read the database", |_, state| {
            state.left.failures -= 1;
            state.callers[index].pc = Pc::Failed;
        });
    }
}

fn computed(scenario: &Scenario, state: &mut State, index: usize, version: Version) {
    let label = state.store.label;
    check(state, index, version);
    let caller = &mut state.callers[index];
    if caller.flight.is_active {
        caller.flight.completion = Some(Completion::Value(version));
    }
    if let (true, Some((_, stamp)), Some(now)) =
        (scenario.has(Mutation::StampsReadLate), &mut caller.lease, label)
    {
        *stamp = now;
    }
    match caller.lease {
        Some((token, _)) if caller.flight.is_active && caller.flight.void => {
            (caller.lease, caller.release) = (None, Some((token, false)));
            end(state, index);
        }
        Some(_) => {
            caller.pc = Pc::Fill(version);
            state.marked[usize::from(caller.process)] = false;
        }
        None => end(state, index),
    }
}

/// Ends a computation that failed: the waiting calls get the error, or go on by themselves.
fn failed(state: &mut State, index: usize, shares: bool) {
    let caller = &mut state.callers[index];
    let Caller { kind, flight, process, .. } = *caller;
    caller.release = caller.lease.take().map(|(token, _)| (token, kind != CallKind::Forced));
    let old = stale_value(caller);
    caller.flight.completion = match () {
        () if !flight.is_active => None,
        () if shares && old.is_none() => Some(Completion::Failure),
        // Those who wait would wait for the next leader.
        () if flight.void => Some(Completion::Unshared),
        () => None,
    };
    state.marked[usize::from(process)] |= !flight.void;
    match old {
        Some(version) => returns(state, index, version),
        None => end(state, index),
    }
}

fn fills(moves: &mut Moves<'_>, who: Actor, index: usize, version: Version) {
    let Some((token, stamp)) = moves.state.callers[index].lease else { return };
    if moves.scenario.is_split && !moves.state.callers[index].is_kept {
        return split::keeps(moves, who, index, stamp);
    }
    moves.go(who, "FILL", |scenario, state| {
        let stored = state.store.fill(scenario, Some(token), version, stamp);
        state.callers[index].pc = Pc::Filled(stored);
    });
    if moves.can_time_out() {
        moves.may(who, "gets no answer to its FILL", |_, state| {
            state.left.timeouts -= 1;
            state.orphan = Some(Op::Fill(Some(token), version, stamp));
            let caller = &mut state.callers[index];
            (caller.lease, caller.release) = (None, Some((token, false)));
            end(state, index);
        });
    }
}

/// Returns the stale value that a call can serve.
pub fn stale_value(caller: &Caller) -> Option<Version> {
    caller
        .snapshot
        .entry()
        .filter(|_| caller.refreshes && caller.kind == CallKind::Call)
        .map(|entry| entry.version)
}

pub fn returns(state: &mut State, index: usize, version: Version) {
    check(state, index, version);
    end(state, index);
}

/// Checks that no call returns a version older than its floor.
pub fn check(state: &mut State, index: usize, version: Version) {
    let caller = &state.callers[index];
    if caller.kind != CallKind::Background && version < caller.floor {
        state.broken =
            Some("a call returned an older version than one that was invalidated before the call began");
    }
}

fn text(answer: Leased) -> &'static str {
    match answer {
        Leased::Granted(_) => "has the lease, and computes",
        Leased::Held => "learns that another process has the lease",
        Leased::Paused => "learns that a refresh has just failed",
        Leased::Changed => "learns that the entry has changed",
    }
}
