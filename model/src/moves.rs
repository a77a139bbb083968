//! The moves from one state to the next.

use crate::call;
use crate::scenario::{Mutation, PROCESSES, Policy, Scenario, Write};
use crate::state::{Caller, Pc, State, Writer};
use crate::store::{Entry, Hold, Op, Slot};

/// The actor of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Caller(u8),
    Writer,
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
        moves.writer();
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

    /// Adds the moves of the writer in the first process.
    fn writer(&mut self) {
        const WHO: Actor = Actor::Writer;
        match self.state.writer {
            Writer::Idle if self.state.left.writes > 0 => {
                for write in self.scenario.writes {
                    self.may(WHO, begins(*write), |_, state| {
                        state.left.writes -= 1;
                        state.database += 1;
                        state.writer = Writer::Wrote(*write);
                    });
                }
            }
            Writer::Wrote(write) => self.go(WHO, "voids the flights of its process", |scenario, state| {
                state.epoch += 1;
                state.writer = Writer::Voided(write);
                if write != Write::Tag {
                    state.marked[0] = false;
                }
                if write != Write::Tag
                    && !scenario.has(Mutation::FlightNotVoided)
                    && let Some(leader) = state.leaders[0].take()
                {
                    state.callers[usize::from(leader)].flight.void = true;
                }
            }),
            Writer::Voided(Write::Put) => self.claims(),
            Writer::Voided(Write::Delete) => self.sends("DEL, and returns", Op::Delete),
            Writer::Voided(Write::Tag | Write::Group) => self.sends("a new stamp, and returns", Op::Restamp),
            Writer::Claimed(token, stamp) => {
                self.sends("stores it, and returns", Op::Fill(token, self.state.database, stamp));
            }
            Writer::Idle | Writer::Killed => {}
        }
    }

    fn claims(&mut self) {
        if self.scenario.has(Mutation::PutWithoutLease) {
            return self.go(Actor::Writer, "reads the stamp", |_, state| {
                let fresh = state.fresh_stamp();
                state.writer = Writer::Claimed(None, *state.store.label.get_or_insert(fresh));
            });
        }
        let token = self.state.fresh_token(0);
        self.go(Actor::Writer, "takes the lease from any holder", |_, state| {
            let fresh = state.fresh_stamp();
            state.epoch += 1;
            state.writer = Writer::Claimed(Some(token), state.store.claim(token, fresh));
        });
        self.times_out(Op::Claim(token));
    }

    fn sends(&mut self, text: &'static str, op: Op) {
        self.go(Actor::Writer, text, |scenario, state| {
            let fresh = state.fresh_stamp();
            state.store.run(scenario, op, fresh);
            state.epoch += 1;
            state.floor = state.database;
            state.writer = Writer::Idle;
        });
        self.times_out(op);
    }

    fn times_out(&mut self, op: Op) {
        if self.can_time_out() {
            self.may(Actor::Writer, "gets no answer in time, and fails", |_, state| {
                state.left.timeouts -= 1;
                state.orphan = Some(op);
                state.writer = Writer::Idle;
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
                state.store.slot = Slot::Absent;
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
        if self.state.left.flushes > 0 {
            self.may(WHO, "FLUSHALL", |scenario, state| {
                state.left.flushes -= 1;
                state.store.slot = Slot::Absent;
                state.store.side = None;
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
    if process == 0 {
        state.writer = Writer::Killed;
    }
}

fn begins(write: Write) -> &'static str {
    match write {
        Write::Delete => "writes the database, will invalidate the key",
        Write::Tag => "writes the database, will invalidate a tag",
        Write::Group => "writes the database, will invalidate the group",
        Write::Put => "writes the database, will put the version",
    }
}
