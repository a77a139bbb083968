//! Call: the story of a cached call, of a refresh apart, and of `refresh(..)`.

use crate::flight::{begin_alone, begins, board, end, revalidate, waits};
use crate::moves::{Actor, Moves};
use crate::scenario::{Mutation, Policy, Scenario};
use crate::state::{Caller, Kind, Landing, Pc, Since, State, Why};
use crate::store::{Answer, Entry, Mode, Op, Seen, Slot, Version};

/// What one caller can do.
pub fn moves(moves: &mut Moves<'_>, index: usize) {
    let who = Actor::Caller(index as u8);
    let caller = moves.state.callers[index];
    if let Some((token, pause)) = caller.release {
        moves.go(who, "RELEASE", |scenario, state| {
            state.store.run(scenario, Op::Release(token, pause), 0);
            state.callers[index].release = None;
        });
    }
    match caller.pc {
        Pc::Idle if is_next(&moves.state, index) => moves.may(who, "begins", |_, state| begin(state, index)),
        Pc::Look | Pc::LookAgain(_) => looks(moves, who, index),
        Pc::Looked => moves.go(who, "reads what it found", |scenario, state| decide(scenario, state, index)),
        Pc::Follow(leader) | Pc::Queue(leader) => waits(moves, who, index, leader),
        Pc::Ask => asks(moves, who, index),
        Pc::Asked(answer) => {
            moves.go(who, text(answer), |scenario, state| answered(scenario, state, index, answer))
        }
        Pc::Held => held(moves, who, index),
        Pc::LookedAgain(why, seen) => {
            moves.go(who, "reads what it found", |_, state| found(state, index, why, seen));
        }
        Pc::Compute => computes(moves, who, index),
        Pc::Computed(version) => moves.go(who, "is done, and lands", |scenario, state| {
            computed(scenario, state, index, version);
        }),
        Pc::Failed => moves.go(who, "has failed", |_, state| failed(state, index)),
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

/// Callers of a process that have not begun are alike, so they begin in order.
fn is_next(state: &State, index: usize) -> bool {
    let Caller { process, kind, .. } = state.callers[index];
    let before = &state.callers[..index];
    !before.iter().any(|other| other.pc == Pc::Idle && other.process == process && other.kind == kind)
}

fn begin(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    caller.floor = state.floor;
    caller.pc = if caller.kind == Kind::Forced { Pc::Ask } else { Pc::Look };
}

fn looks(moves: &mut Moves<'_>, who: Actor, index: usize) {
    moves.go(who, "MGET", |_, state| {
        let seen = state.store.look();
        see(state, index, seen);
    });
    if moves.can_time_out() {
        moves.may(who, "gets no answer to its MGET", |_, state| {
            state.left.timeouts -= 1;
            see(state, index, Seen::Away);
        });
    }
}

fn see(state: &mut State, index: usize, seen: Seen) {
    let caller = &mut state.callers[index];
    if let Pc::LookAgain(why) = caller.pc {
        caller.pc = Pc::LookedAgain(why, seen);
        return;
    }
    (caller.pc, caller.seen) = (Pc::Looked, seen);
    if let Some(Entry { old: false, version, .. }) = seen.entry() {
        // A hit concerns nobody else, so the order of what follows does not matter.
        returns(state, index, version);
    }
}

/// What a call does after its first look.
fn decide(scenario: &Scenario, state: &mut State, index: usize) {
    let seen = state.callers[index].seen;
    match seen.entry() {
        Some(entry) if scenario.policy == Policy::Revalidate => {
            revalidate(scenario, state, index);
            return returns(state, index, entry.version);
        }
        entry => state.callers[index].refreshes = entry.is_some(),
    }
    board(scenario, state, index);
}

fn asks(moves: &mut Moves<'_>, who: Actor, index: usize) {
    let caller = moves.state.callers[index];
    if caller.plane.void && !moves.scenario.has(Mutation::VoidLeaderAsks) {
        // Its question would take the lease from who leads now: a process does not refuse itself.
        return moves.go(who, "is void, and boards again", |scenario, state| match caller.kind {
            Kind::Apart => end(state, index),
            Kind::Call | Kind::Forced => board(scenario, state, index),
        });
    }
    let token = moves.state.fresh_token(usize::from(caller.process));
    let mode = match caller.kind {
        Kind::Forced => Mode::Force,
        _ if caller.refreshes => Mode::Refresh,
        _ => Mode::Miss,
    };
    moves.go(who, "LEASE", |scenario, state| {
        let fresh = state.fresh_stamp();
        let answer = state.store.lease(scenario, token, mode, caller.seen, fresh);
        let epoch = state.epoch;
        let caller = &mut state.callers[index];
        caller.pc = Pc::Asked(answer);
        if let Answer::Granted(stamp) = answer {
            caller.lease = Some((token, stamp));
            caller.epoch = caller.epoch.filter(|began| *began == epoch);
        }
    });
    if moves.can_time_out() {
        moves.may(who, "gets no answer to its LEASE", |_, state| {
            state.left.timeouts -= 1;
            state.orphan = Some(Op::Lease(token, mode, caller.seen));
            state.callers[index].release = Some((token, false));
            match caller.kind {
                Kind::Apart => end(state, index),
                Kind::Call | Kind::Forced => begins(state, index, None),
            }
        });
    }
}

fn answered(scenario: &Scenario, state: &mut State, index: usize, answer: Answer) {
    let caller = state.callers[index];
    match answer {
        Answer::Granted(_) => begins(state, index, caller.lease),
        Answer::Held if scenario.has(Mutation::NobodyWaits) => begins(state, index, None),
        _ if caller.kind == Kind::Apart => end(state, index),
        Answer::Held => state.callers[index].pc = Pc::Held,
        Answer::Paused => match old(&caller) {
            Some(version) => returns(state, index, version),
            None => look_again(scenario, state, index, Why::Changed),
        },
        Answer::Changed => look_again(scenario, state, index, Why::Changed),
    }
}

/// Another process computes: looks when there is something new to see.
fn held(moves: &mut Moves<'_>, who: Actor, index: usize) {
    if !is_same(moves.state.store.look(), moves.state.callers[index].seen) {
        moves.go(who, "looks again", |scenario, state| look_again(scenario, state, index, Why::Held));
    } else if !moves.scenario.has(Mutation::AsksOnce) {
        moves.go(who, "asks again, since the lease may have lapsed", |_, state| {
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

fn look_again(scenario: &Scenario, state: &mut State, index: usize, why: Why) {
    let begun = state.begun(state.callers[index].process);
    let caller = &mut state.callers[index];
    caller.pc = Pc::LookAgain(why);
    if !scenario.has(Mutation::LandsOldFinds) {
        caller.plane.since = Since::After(begun);
    }
}

/// Whether nothing is to be seen that would be worth a question. That a lease lapsed is not to be seen in an entry.
fn is_same(now: Seen, before: Seen) -> bool {
    let (Seen::Found(slot, label), Seen::Found(old_slot, old_label)) = (now, before) else { return false };
    let fresh = now.entry().is_some_and(|entry| !entry.old);
    let kept = slot != Slot::Absent && slot.bare() == old_slot.bare();
    !fresh && label == old_label && (matches!(slot, Slot::Vacant(..)) || kept)
}

/// What a leader does after another look.
fn found(state: &mut State, index: usize, why: Why, seen: Seen) {
    let before = state.callers[index].seen;
    if let Some(Entry { old: false, version, .. }) = seen.entry() {
        state.callers[index].plane.landing = Some(Landing::Value(version));
        return returns(state, index, version);
    }
    let caller = &mut state.callers[index];
    caller.plane.since = Since::Future;
    if seen == Seen::Away {
        return begin_alone(state, index);
    }
    if why == Why::Held && is_same(seen, before) {
        return caller.pc = Pc::Held;
    }
    (caller.seen, caller.refreshes, caller.pc) = (seen, seen.entry().is_some(), Pc::Ask);
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
    if caller.plane.up {
        caller.plane.landing = Some(Landing::Value(version));
    }
    if let (true, Some((_, stamp)), Some(now)) =
        (scenario.has(Mutation::StampsAfterwards), &mut caller.lease, label)
    {
        *stamp = now;
    }
    match caller.lease {
        Some((token, _)) if caller.plane.up && caller.plane.void => {
            (caller.lease, caller.release) = (None, Some((token, false)));
            end(state, index);
        }
        Some(_) => caller.pc = Pc::Fill(version),
        None => end(state, index),
    }
}

fn failed(state: &mut State, index: usize) {
    let caller = &mut state.callers[index];
    let pause = caller.refreshes;
    caller.release = caller.lease.take().map(|(token, _)| (token, pause));
    match old(caller) {
        Some(version) => returns(state, index, version),
        None => {
            caller.plane.landing = caller.plane.up.then_some(Landing::Failure);
            end(state, index);
        }
    }
}

fn fills(moves: &mut Moves<'_>, who: Actor, index: usize, version: Version) {
    let Some((token, stamp)) = moves.state.callers[index].lease else { return };
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

/// The old value that a call has in hand.
pub fn old(caller: &Caller) -> Option<Version> {
    caller.seen.entry().filter(|_| caller.refreshes && caller.kind == Kind::Call).map(|entry| entry.version)
}

pub fn returns(state: &mut State, index: usize, version: Version) {
    check(state, index, version);
    end(state, index);
}

/// The property that all this is for.
pub fn check(state: &mut State, index: usize, version: Version) {
    let caller = &state.callers[index];
    if caller.kind != Kind::Apart && version < caller.floor {
        state.broken =
            Some("a call returned an older version than one that was invalidated before the call began");
    }
}

fn text(answer: Answer) -> &'static str {
    match answer {
        Answer::Granted(_) => "has the lease, and computes",
        Answer::Held => "hears that another has the lease",
        Answer::Paused => "hears that a refresh failed a moment ago",
        Answer::Changed => "hears that something else is there",
    }
}
