//! The moves from one state to the next.

use crate::call;
use crate::scenario::{Mutation, PROCESSES, Policy, Scenario, Write};
use crate::split;
use crate::state::{Caller, Pc, State, Writer};
use crate::store::{Entry, Hold, Op, Slot, Stamp, Token, Version};

/// The actor of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Caller(u8),
    Writer(u8),
    World,
}

/// One move.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    pub actor: Actor,
    pub text: &'static str,
    /// `true` for a move that eventually happens by itself.
    pub fair: bool,
}

/// The moves from one state, and the states that they lead to.
pub struct Moves<'a> {
    pub scenario: &'a Scenario,
    pub state: State,
    pub out: Vec<(Move, State)>,
}

impl<'a> Moves<'a> {
    pub fn of(scenario: &'a Scenario, state: State) -> Vec<(Move, State)> {
        let mut moves = Self { scenario, state, out: Vec::new() };
        for index in 0..state.callers.len() {
            call::moves(&mut moves, index);
        }
        for index in 0..scenario.writers {
            moves.writer(index);
        }
        moves.time();
        moves.faults();
        moves.out
    }

    /// Adds a fair move: the next step of an actor.
    pub fn go(&mut self, actor: Actor, text: &'static str, change: impl FnOnce(&Scenario, &mut State)) {
        self.push(Move { actor, text, fair: true }, change);
    }

    /// Adds a move that may never happen.
    pub fn may(&mut self, actor: Actor, text: &'static str, change: impl FnOnce(&Scenario, &mut State)) {
        self.push(Move { actor, text, fair: false }, change);
    }

    fn push(&mut self, step: Move, change: impl FnOnce(&Scenario, &mut State)) {
        let mut next = self.state;
        change(self.scenario, &mut next);
        next.normalize(self.scenario.is_fault_free());
        self.out.push((step, next));
    }

    /// Adds the moves of one writer.
    fn writer(&mut self, index: usize) {
        if self.scenario.is_split && split::writes(self, index) {
            return;
        }
        let who = Actor::Writer(index as u8);
        match self.state.writers[index] {
            Writer::Idle if self.state.left.writes > 0 => {
                for write in self.scenario.writes {
                    if *write == Write::LeasedPut {
                        self.begins_put(index, None);
                        continue;
                    }
                    self.may(who, begins(*write), |_, state| {
                        state.left.writes -= 1;
                        state.database += 1;
                        state.writers[index] = Writer::Wrote(*write, state.database, None);
                    });
                }
            }
            Writer::Began(lease) => self.go(who, "writes the database", |_, state| {
                state.database += 1;
                state.writers[index] = Writer::Wrote(Write::LeasedPut, state.database, lease);
            }),
            Writer::Wrote(write, version, lease) => {
                self.go(who, "voids the flights of its process", |scenario, state| {
                    state.epoch += 1;
                    state.writers[index] = Writer::Voided(write, version, lease);
                    void(scenario, state, write, index);
                });
            }
            Writer::Noted(Write::LeasedPut, _, stamp) => self.begins_put(index, Some(stamp)),
            Writer::Noted(_, version, stamp) => self.claims(index, version, Some(stamp)),
            Writer::Voided(Write::Put, version, _) => self.claims(index, version, None),
            Writer::Voided(Write::LeasedPut, version, Some((token, stamp)))
            | Writer::Kept(Write::LeasedPut, Some(token), stamp, version) => {
                self.ends_put(index, version, token, stamp);
            }
            Writer::Voided(Write::LeasedPut | Write::Delete, version, _) | Writer::Refused(version) => {
                self.sends(index, version, "DEL, and returns", Op::Delete);
            }
            Writer::Voided(Write::Tag | Write::Group, version, _) => {
                self.sends(index, version, "a new stamp, and returns", Op::Restamp);
            }
            Writer::Claimed(token, stamp, version) | Writer::Kept(_, token, stamp, version) => {
                self.sends(index, version, "stores it, and returns", Op::Fill(token, version, stamp));
            }
            Writer::Idle | Writer::Killed => {}
        }
    }

    /// Takes the lease of a put, before the write to the database; in another slot than the label after its stamp was noted.
    fn begins_put(&mut self, index: usize, noted: Option<Stamp>) {
        if self.scenario.is_split && noted.is_none() {
            return split::notes_put(self, index);
        }
        let who = Actor::Writer(index as u8);
        let token = self.state.fresh_token(index);
        let begun = u8::from(noted.is_none());
        self.may(who, "takes the lease of a put, will write the database", |_, state| {
            let fresh = state.fresh_stamp();
            state.left.writes -= begun;
            let stamp = state.store.label_or(noted, fresh);
            state.store.begin(token);
            state.writers[index] = Writer::Began(Some((token, stamp)));
        });
        if self.can_time_out() {
            self.may(who, "gets no lease in time, will write the database", |_, state| {
                state.left.writes -= begun;
                state.left.timeouts -= 1;
                state.orphan = Some(Op::Begin(token, noted));
                state.writers[index] = Writer::Began(None);
            });
        }
    }

    fn ends_put(&mut self, index: usize, version: Version, token: Token, stamp: Stamp) {
        let ignores = self.scenario.has(Mutation::PutsStoreWithoutLease);
        let fill = (if ignores { None } else { Some(token) }, version, stamp);
        self.go(Actor::Writer(index as u8), "stores it under the lease of the put", |scenario, state| {
            state.epoch += 1;
            let is_over = state.store.fill(scenario, fill.0, fill.1, fill.2)
                || scenario.has(Mutation::RefusedPutsLeaveTheEntry);
            state.writers[index] = if is_over { Writer::Idle } else { Writer::Refused(version) };
            if is_over {
                state.floor = state.floor.max(version);
                state.own_floors[index] = state.own_floors[index].max(version);
            }
        });
        self.times_out(index, Op::Fill(fill.0, fill.1, fill.2));
    }

    fn claims(&mut self, index: usize, version: Version, noted: Option<Stamp>) {
        let who = Actor::Writer(index as u8);
        if self.scenario.has(Mutation::PutWithoutLease) {
            return self.go(who, "reads the stamp", |_, state| {
                let fresh = state.fresh_stamp();
                let stamp = *state.store.label.get_or_insert(fresh);
                state.writers[index] = Writer::Claimed(None, stamp, version);
            });
        }
        let token = self.state.fresh_token(index);
        self.go(who, "takes the lease from any holder", |_, state| {
            let fresh = state.fresh_stamp();
            state.epoch += 1;
            let stamp = state.store.label_or(noted, fresh);
            state.store.claim(token, stamp);
            state.writers[index] = Writer::Claimed(Some(token), stamp, version);
        });
        self.times_out(index, Op::Claim(token, noted));
    }

    fn sends(&mut self, index: usize, version: Version, text: &'static str, op: Op) {
        self.go(Actor::Writer(index as u8), text, |scenario, state| {
            let fresh = state.fresh_stamp();
            state.store.run(scenario, op, fresh);
            state.epoch += 1;
            state.floor = state.floor.max(version);
            state.own_floors[index] = state.own_floors[index].max(version);
            state.writers[index] = Writer::Idle;
        });
        self.times_out(index, op);
    }

    pub fn times_out(&mut self, index: usize, op: Op) {
        if self.can_time_out() {
            self.may(Actor::Writer(index as u8), "gets no answer in time, and fails", |_, state| {
                state.left.timeouts -= 1;
                state.orphan = Some(op);
                state.writers[index] = Writer::Idle;
            });
        }
    }

    pub fn can_time_out(&self) -> bool {
        self.state.left.timeouts > 0 && self.state.orphan.is_none()
    }

    /// Adds the effects of time on the slot.
    fn time(&mut self) {
        const WHO: Actor = Actor::World;
        let holder = self.state.store.slot.holder().or(self.state.store.side);
        match holder {
            Some(token) if !self.state.is_extended(token) => {
                self.go(WHO, "a lease that is not extended lapses", |_, state| state.store.lapse());
            }
            Some(_) if self.state.left.lapses > 0 => {
                self.may(WHO, "a lease lapses while its holder continues", |_, state| {
                    state.left.lapses -= 1;
                    state.store.lapse();
                });
            }
            _ => {}
        }
        if let Slot::Conceded(_) = self.state.store.slot {
            self.go(WHO, "the time after a result that was not cached ends", |_, state| state.store.lapse());
        }
        for process in 0..PROCESSES {
            if self.state.marked[process] {
                self.go(
                    WHO,
                    ["the mark of process 0 ends", "the mark of process 1 ends"][process],
                    |_, state| {
                        state.marked[process] = false;
                    },
                );
            }
        }
        if let Some(token) = self.state.store.put {
            self.put_lapses(token);
        }
        let Slot::Entry(entry) = self.state.store.slot else { return };
        if entry.hold == Hold::Pause {
            self.go(WHO, "the pause ends", |_, state| state.store.lapse());
        }
        if !entry.is_stale && self.scenario.policy != Policy::Plain && self.state.left.ages > 0 {
            self.may(WHO, "the entry becomes stale", |_, state| {
                state.left.ages -= 1;
                state.store.slot = Slot::Entry(Entry { is_stale: true, ..entry });
            });
        }
        if self.state.left.expiries > 0 {
            self.may(WHO, "the entry expires", |_, state| {
                state.left.expiries -= 1;
                (state.store.slot, state.store.put) = (Slot::Absent, None);
            });
        }
    }

    /// Adds the end of the lease of a put where there is no entry: with one, it ends with the entry.
    fn put_lapses(&mut self, token: Token) {
        if self.state.store.slot != Slot::Absent {
            return;
        }
        if !self.state.is_extended(token) {
            self.may(Actor::World, "the lease of a put lapses", |_, state| state.store.put = None);
        } else if self.state.left.lapses > 0 {
            self.may(Actor::World, "the lease of a put lapses while its holder continues", |_, state| {
                state.left.lapses -= 1;
                state.store.put = None;
            });
        }
    }

    fn faults(&mut self) {
        const WHO: Actor = Actor::World;
        if let Some(op) = self.state.orphan {
            self.may(WHO, "an abandoned request arrives", |scenario, state| {
                let fresh = state.fresh_stamp();
                state.store.run(scenario, op, fresh);
                state.orphan = None;
                state.epoch += 1;
            });
        }
        if self.state.left.flushes > 0 && self.scenario.is_split {
            split::flushes(self);
        } else if self.state.left.flushes > 0 {
            self.may(WHO, "FLUSHALL", |scenario, state| {
                state.left.flushes -= 1;
                state.store.slot = Slot::Absent;
                (state.store.put, state.store.side) = (None, None);
                if scenario.writes.iter().any(|write| matches!(write, Write::Tag | Write::Group)) {
                    state.store.label = None;
                }
            });
        }
        if self.state.left.kills > 0 {
            for process in 0..PROCESSES {
                self.may(WHO, ["process 0 is killed", "process 1 is killed"][process], |_, state| {
                    kill(state, process);
                });
            }
        }
    }
}

fn kill(state: &mut State, process: usize) {
    state.left.kills -= 1;
    state.leaders[process] = None;
    state.marked[process] = false;
    for caller in &mut state.callers {
        if usize::from(caller.process) == process && !matches!(caller.pc, Pc::Unused | Pc::Done) {
            *caller = Caller { pc: Pc::Killed, process: caller.process, ..Caller::default() };
        }
        if usize::from(caller.process) == process {
            caller.release = None;
        }
    }
    state.writers[process] = Writer::Killed;
}

/// Voids the flight of a process, as its writes do; a tag does not.
fn void(scenario: &Scenario, state: &mut State, write: Write, process: usize) {
    if write != Write::Tag {
        state.marked[process] = false;
    } else if scenario.has(Mutation::TagsVoidNothing) {
        return;
    }
    if !scenario.has(Mutation::FlightNotVoided)
        && let Some(leader) = state.leaders[process].take()
    {
        state.callers[usize::from(leader)].flight.void = true;
    }
}

fn begins(write: Write) -> &'static str {
    match write {
        Write::Delete => "writes the database, will invalidate the key",
        Write::Tag => "writes the database, will invalidate a tag",
        Write::Group => "writes the database, will invalidate the group",
        Write::Put | Write::LeasedPut => "writes the database, will put the version",
    }
}
