//! State: the whole world at one moment, small enough to be kept by the million.

use crate::scenario::{Budget, CALLERS, PROCESSES, Scenario, Write};
use crate::store::{Entry, Hold, Op, Seen, Slot, Stamp, Store, Token, Version};

/// Where a call is in its story. A request to Redis is two steps: it is carried out, then its answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pc {
    /// There is no such caller.
    #[default]
    Unused,
    /// It may begin at any time.
    Idle,
    Look,
    Looked,
    /// Waits for what that caller lands.
    Follow(u8),
    /// Waits until that caller is done, and boards again.
    Queue(u8),
    Ask,
    Asked(crate::store::Answer),
    /// Another process has the lease.
    Held,
    /// Looks again, as the leader; because another has the lease, or because something changed.
    LookAgain(Why),
    LookedAgain(Why, Seen),
    Compute,
    Computed(Version),
    Failed,
    Fill(Version),
    Filled(bool),
    Done,
    Killed,
}

/// Why a leader looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    Held,
    Changed,
}

/// What a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    #[default]
    Call,
    /// A refresh apart from the call that wanted it.
    Apart,
    /// `refresh(..)`: computes whatever is there.
    Forced,
}

/// What a flight will land is no older than this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Since {
    /// It has not begun.
    #[default]
    Future,
    /// These callers, as bits, had begun by then.
    After(u8),
}

/// What shows a caller that a flight was not invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    Lease(Token, Stamp),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Landing {
    Value(Version),
    Failure,
}

/// The flight that a caller leads or led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Plane {
    pub up: bool,
    pub void: bool,
    pub since: Since,
    pub ground: Option<Ground>,
    pub landing: Option<Landing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caller {
    pub pc: Pc,
    pub kind: Kind,
    pub process: u8,
    /// What was invalidated with success when the call began: nothing older may be returned.
    pub floor: Version,
    pub seen: Seen,
    /// Whether what was seen is to stay readable meanwhile.
    pub refreshes: bool,
    pub lease: Option<(Token, Stamp)>,
    /// How many invalidations there were from when it took the lead until it had the lease; `None` when there was one.
    pub epoch: Option<u8>,
    pub plane: Plane,
    /// A lease to be given back, and whether to pause: requests that nobody waits for.
    pub release: Option<(Token, bool)>,
}

/// Who writes to the database and invalidates, in the first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Writer {
    Idle,
    /// The database has the new version.
    Wrote(Write),
    /// The flights of this process are void; Redis is next.
    Voided(Write),
    /// Has the lease to put the version with, and the stamp to put it under.
    Claimed(Option<Token>, Stamp),
    Killed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub store: Store,
    pub database: Version,
    /// The newest version whose write was invalidated with success.
    pub floor: Version,
    pub callers: [Caller; CALLERS],
    /// The caller whose flight newcomers of the process find.
    pub flying: [Option<u8>; PROCESSES],
    pub writer: Writer,
    /// A request whose sender gave it up.
    pub orphan: Option<Op>,
    pub left: Budget,
    /// How often something was invalidated, or began to be.
    pub epoch: u8,
    /// A property that does not hold.
    pub broken: Option<&'static str>,
}

impl State {
    pub fn first(scenario: &Scenario) -> Self {
        let mut callers = [Caller::default(); CALLERS];
        let mut next = 0;
        for (process, calls) in scenario.calls.iter().enumerate() {
            for _ in 0..*calls {
                callers[next] = Caller { pc: Pc::Idle, process: process as u8, ..Caller::default() };
                next += 1;
            }
        }
        if scenario.forced {
            callers[next - 1].kind = Kind::Forced;
        }
        let entry = Entry { version: 0, stamp: 0, old: false, hold: Hold::Anybody };
        let slot = if scenario.warm { Slot::Entry(entry) } else { Slot::Absent };
        Self {
            store: Store { slot, label: Some(0), side: None },
            database: 0,
            floor: 0,
            callers,
            flying: [None; PROCESSES],
            writer: Writer::Idle,
            orphan: None,
            left: scenario.budget,
            epoch: 0,
            broken: None,
        }
    }

    /// Whether everybody who began is done.
    pub fn is_settled(&self) -> bool {
        self.callers.iter().all(|caller| matches!(caller.pc, Pc::Unused | Pc::Idle | Pc::Done | Pc::Killed))
    }

    /// Whether the holder of a lease is alive and means to keep it.
    pub fn is_kept(&self, token: Token) -> bool {
        let claimed = matches!(self.writer, Writer::Claimed(Some(held), _) if held == token);
        claimed || self.callers.iter().any(|caller| caller.lease.is_some_and(|(held, _)| held == token))
    }

    /// The callers of a process that have begun, as bits.
    pub fn begun(&self, process: u8) -> u8 {
        let mut bits = 0;
        for (index, caller) in self.callers.iter().enumerate() {
            if caller.process == process && !matches!(caller.pc, Pc::Idle | Pc::Unused) {
                bits |= 1 << index;
            }
        }
        bits
    }

    /// A stamp that is nowhere.
    pub fn fresh_stamp(&self) -> Stamp {
        let mut used = 0u64;
        let mut uses = |stamp: Stamp| used |= 1 << stamp;
        self.store.label.into_iter().for_each(&mut uses);
        stamps_of(self.store.slot, self.store.label, &mut uses);
        for caller in &self.callers {
            for seen in
                [caller.seen, if let Pc::LookedAgain(_, seen) = caller.pc { seen } else { Seen::Away }]
            {
                if let Seen::Found(slot, label) = seen {
                    stamps_of(slot, label, &mut uses);
                }
            }
            caller.lease.iter().for_each(|(_, stamp)| uses(*stamp));
            if let Some(Ground::Lease(_, stamp)) = caller.plane.ground {
                uses(stamp);
            }
        }
        match self.orphan {
            Some(Op::Fill(_, _, stamp)) => uses(stamp),
            Some(Op::Lease(_, _, Seen::Found(slot, label))) => stamps_of(slot, label, &mut uses),
            _ => {}
        }
        if let Writer::Claimed(_, stamp) = self.writer {
            uses(stamp);
        }
        used.trailing_ones() as Stamp
    }

    /// A token of a process that is nowhere.
    pub fn fresh_token(&self, process: usize) -> Token {
        let mut used = 0u16;
        let mut uses = |token: Token| {
            if token.process() == process {
                used |= 1 << (token.0 & 15);
            }
        };
        self.store.slot.holder().into_iter().chain(self.store.side).for_each(&mut uses);
        for caller in &self.callers {
            for seen in
                [caller.seen, if let Pc::LookedAgain(_, seen) = caller.pc { seen } else { Seen::Away }]
            {
                if let Seen::Found(slot, _) = seen {
                    slot.holder().into_iter().for_each(&mut uses);
                }
            }
            caller.lease.iter().for_each(|(token, _)| uses(*token));
            caller.release.iter().for_each(|(token, _)| uses(*token));
            if let Some(Ground::Lease(token, _)) = caller.plane.ground {
                uses(token);
            }
        }
        if let Writer::Claimed(Some(token), _) = self.writer {
            uses(token);
        }
        if let Some(
            Op::Fill(Some(token), ..) | Op::Lease(token, ..) | Op::Claim(token) | Op::Release(token, _),
        ) = self.orphan
        {
            uses(token);
        }
        Token::of(process, used.trailing_ones() as u8)
    }

    /// Forgets what cannot matter any more, so that worlds with the same future are one.
    pub fn tidy(&mut self, is_calm: bool) {
        if !is_calm {
            // Only told apart where nothing is computed twice.
            self.epoch = 0;
        }
        for index in 0..CALLERS {
            let caller = self.callers[index];
            let done = matches!(caller.pc, Pc::Done | Pc::Killed);
            let awaited = self.callers.iter().any(
                |other| matches!(other.pc, Pc::Follow(leader) | Pc::Queue(leader) if usize::from(leader) == index),
            );
            let caller = &mut self.callers[index];
            if done {
                (caller.floor, caller.seen, caller.refreshes, caller.epoch) = (0, Seen::Away, false, None);
            }
            if !caller.plane.up && !awaited {
                caller.plane = Plane::default();
                if caller.kind == Kind::Apart && done && caller.release.is_none() {
                    *caller = Caller::default();
                }
            }
        }
    }
}

fn stamps_of(slot: Slot, label: Option<Stamp>, uses: &mut impl FnMut(Stamp)) {
    label.into_iter().for_each(&mut *uses);
    match slot {
        Slot::Vacant(_, stamp) | Slot::Entry(Entry { stamp, .. }) => uses(stamp),
        Slot::Absent => {}
    }
}
