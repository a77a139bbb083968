//! The state of the whole world, small enough to hold millions.

use crate::scenario::{Budget, CALLERS, PROCESSES, Scenario, Write};
use crate::store::{Entry, Hold, Op, Slot, Snapshot, Stamp, Store, Token, Version};

/// The next step of a call. A request to Redis is two steps: Redis carries it out, then the caller reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pc {
    /// The caller does not exist.
    #[default]
    Unused,
    /// The call may begin at any time.
    Idle,
    Lookup,
    LookedUp,
    /// Waits for the result of that caller.
    Follow(u8),
    /// Waits until that caller is done, and joins again.
    Queue(u8),
    Ask,
    Asked(crate::store::Leased),
    /// Another process has the lease.
    Held,
    /// Reads again, as the leader.
    LookupAgain(Why),
    LookedUpAgain(Why, Snapshot),
    Compute,
    Computed(Version),
    Failed,
    Fill(Version),
    Filled(bool),
    Done,
    Killed,
}

/// The reason why a leader reads again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    Held,
    Changed,
}

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CallKind {
    #[default]
    Call,
    /// A background refresh.
    Background,
    /// `refresh(..)`: computes whatever is stored.
    Forced,
}

/// The moment that the result of a flight is not older than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Since {
    /// The computation has not begun.
    #[default]
    Future,
    /// The moment when these callers, as bits, had begun.
    After(u8),
}

/// The evidence that a flight was not invalidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    Lease(Token, Stamp),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completion {
    Value(Version),
    Failure,
    /// Every waiting call computes for itself.
    Unshared,
}

/// One half of a lookup in two slots, which are read at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    Key(Slot),
    Label(Option<Stamp>),
}

/// The flight that a caller leads or led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flight {
    pub is_active: bool,
    pub void: bool,
    /// Its leader was woken and is not polled.
    pub is_stalled: bool,
    /// Another call took its place, because it was stalled.
    pub is_replaced: bool,
    pub since: Since,
    pub basis: Option<Basis>,
    pub completion: Option<Completion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caller {
    pub pc: Pc,
    pub kind: CallKind,
    pub process: u8,
    /// The newest version whose invalidation had succeeded when the call began: an older one must not be returned.
    pub floor: Version,
    /// The same of the invalidations of its own process, which a call knows of without the store.
    pub own_floor: Version,
    pub snapshot: Snapshot,
    /// `true` when the entry stays readable during the computation.
    pub refreshes: bool,
    pub lease: Option<(Token, Stamp)>,
    /// The first half of a lookup in two slots.
    pub half: Option<Half>,
    /// The stamp of a label in another slot, read before the lease is requested.
    pub noted: Option<Stamp>,
    /// The stamp was still current, and its expiry is extended: the value may be stored.
    pub is_kept: bool,
    /// The epoch when the caller became the leader; `None` when an invalidation came before it had the lease.
    pub epoch: Option<u8>,
    pub flight: Flight,
    /// A lease to release, and `true` for a result that was not cached, with a pause on an entry: a request that no caller waits for.
    pub release: Option<(Token, bool)>,
}

/// A writer, which writes to the database and invalidates. There is at most one in each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Writer {
    #[default]
    Idle,
    /// The writer has the stamp of a label in another slot, and will take the lease of this put.
    Noted(Write, Version, Stamp),
    /// The writer has the lease of a put, if it could get one, and will write to the database.
    Began(Option<(Token, Stamp)>),
    /// The database has this version.
    Wrote(Write, Version, Option<(Token, Stamp)>),
    /// The flights of its process are void; Redis is next.
    Voided(Write, Version, Option<(Token, Stamp)>),
    /// The writer has a lease and a stamp for its put.
    Claimed(Option<Token>, Stamp, Version),
    /// The stamp is still current, so that this put may be stored.
    Kept(Write, Option<Token>, Stamp, Version),
    /// The lease of the put was gone.
    Refused(Version),
    Killed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub store: Store,
    pub database: Version,
    /// The newest version whose invalidation has succeeded.
    pub floor: Version,
    /// The same for each process alone.
    pub own_floors: [Version; PROCESSES],
    pub callers: [Caller; CALLERS],
    /// The leader of each process.
    pub leaders: [Option<u8>; PROCESSES],
    /// The last result in this process was not cached: calls do not wait.
    pub marked: [bool; PROCESSES],
    pub writers: [Writer; PROCESSES],
    /// A request that its sender has abandoned.
    pub orphan: Option<Op>,
    pub left: Budget,
    /// The number of invalidations that began or ended.
    pub epoch: u8,
    /// A property that does not hold.
    pub broken: Option<&'static str>,
}

impl Writer {
    /// Returns the lease and the stamp that the writer has.
    pub fn lease(&self) -> Option<(Option<Token>, Stamp)> {
        match *self {
            Self::Began(lease) | Self::Wrote(_, _, lease) | Self::Voided(_, _, lease) => {
                lease.map(|(token, stamp)| (Some(token), stamp))
            }
            Self::Claimed(token, stamp, _) | Self::Kept(_, token, stamp, _) => Some((token, stamp)),
            Self::Noted(_, _, stamp) => Some((None, stamp)),
            Self::Idle | Self::Refused(_) | Self::Killed => None,
        }
    }
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
            callers[next - 1].kind = CallKind::Forced;
        }
        let entry = Entry { version: 0, stamp: 0, is_stale: false, hold: Hold::Anybody };
        let slot = if scenario.warm { Slot::Entry(entry) } else { Slot::Absent };
        Self {
            store: Store { slot, put: None, label: (!scenario.unstamped).then_some(0), side: None },
            database: 0,
            floor: 0,
            own_floors: [0; PROCESSES],
            callers,
            leaders: [None; PROCESSES],
            marked: [false; PROCESSES],
            writers: [Writer::Idle; PROCESSES],
            orphan: None,
            left: scenario.budget,
            epoch: 0,
            broken: None,
        }
    }

    /// Returns `true` when every caller that began is done.
    pub fn is_settled(&self) -> bool {
        self.callers.iter().all(|caller| matches!(caller.pc, Pc::Unused | Pc::Idle | Pc::Done | Pc::Killed))
    }

    /// Returns `true` when the holder of a lease is alive and extends it.
    pub fn is_extended(&self, token: Token) -> bool {
        let claimed =
            self.writers.iter().filter_map(|writer| writer.lease()).any(|(held, _)| held == Some(token));
        claimed || self.callers.iter().any(|caller| caller.lease.is_some_and(|(held, _)| held == token))
    }

    /// Returns the callers of a process that have begun, as bits.
    pub fn begun(&self, process: u8) -> u8 {
        let mut bits = 0;
        for (index, caller) in self.callers.iter().enumerate() {
            if caller.process == process && !matches!(caller.pc, Pc::Idle | Pc::Unused) {
                bits |= 1 << index;
            }
        }
        bits
    }

    /// Returns a stamp that is not in use.
    pub fn fresh_stamp(&self) -> Stamp {
        let mut used = 0u64;
        let mut uses = |stamp: Stamp| used |= 1 << stamp;
        self.store.label.into_iter().for_each(&mut uses);
        stamps_of(self.store.slot, self.store.label, &mut uses);
        for caller in &self.callers {
            for snapshot in [
                caller.snapshot,
                if let Pc::LookedUpAgain(_, snapshot) = caller.pc { snapshot } else { Snapshot::Unavailable },
            ] {
                if let Snapshot::Found(slot, label) = snapshot {
                    stamps_of(slot, label, &mut uses);
                }
            }
            caller.lease.iter().for_each(|(_, stamp)| uses(*stamp));
            caller.noted.into_iter().for_each(&mut uses);
            match caller.half {
                Some(Half::Key(slot)) => stamps_of(slot, None, &mut uses),
                Some(Half::Label(label)) => stamps_of(Slot::Absent, label, &mut uses),
                None => {}
            }
            if let Some(Basis::Lease(_, stamp)) = caller.flight.basis {
                uses(stamp);
            }
        }
        match self.orphan {
            Some(Op::Fill(_, _, stamp)) => uses(stamp),
            Some(Op::Lease(_, _, snapshot, noted)) => {
                noted.into_iter().for_each(&mut uses);
                if let Snapshot::Found(slot, label) = snapshot {
                    stamps_of(slot, label, &mut uses);
                }
            }
            Some(Op::Claim(_, noted) | Op::Begin(_, noted)) => noted.into_iter().for_each(&mut uses),
            _ => {}
        }
        self.writers.iter().filter_map(|writer| writer.lease()).for_each(|(_, stamp)| uses(stamp));
        used.trailing_ones() as Stamp
    }

    /// Returns a token of a process that is not in use.
    pub fn fresh_token(&self, process: usize) -> Token {
        let mut used = 0u16;
        let mut uses = |token: Token| {
            if token.process() == process {
                used |= 1 << (token.0 & 15);
            }
        };
        let held = self.store.slot.holder().into_iter().chain(self.store.put).chain(self.store.side);
        held.for_each(&mut uses);
        for caller in &self.callers {
            for snapshot in [
                caller.snapshot,
                if let Pc::LookedUpAgain(_, snapshot) = caller.pc { snapshot } else { Snapshot::Unavailable },
            ] {
                if let Snapshot::Found(slot, _) = snapshot {
                    slot.holder().into_iter().for_each(&mut uses);
                }
            }
            if let Some(Half::Key(slot)) = caller.half {
                slot.holder().into_iter().for_each(&mut uses);
            }
            caller.lease.iter().for_each(|(token, _)| uses(*token));
            caller.release.iter().for_each(|(token, _)| uses(*token));
            if let Some(Basis::Lease(token, _)) = caller.flight.basis {
                uses(token);
            }
        }
        self.writers.iter().filter_map(|writer| writer.lease()?.0).for_each(&mut uses);
        if let Some(
            Op::Fill(Some(token), ..)
            | Op::Lease(token, ..)
            | Op::Claim(token, _)
            | Op::Begin(token, _)
            | Op::Release(token, _),
        ) = self.orphan
        {
            uses(token);
        }
        Token::of(process, used.trailing_ones() as u8)
    }

    /// Clears everything that can no longer matter, so that states with the same future are equal.
    pub fn normalize(&mut self, is_fault_free: bool) {
        if !is_fault_free {
            // Epochs matter only where nothing may be computed twice.
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
                (caller.floor, caller.snapshot, caller.refreshes, caller.epoch) =
                    (0, Snapshot::Unavailable, false, None);
                (caller.own_floor, caller.half, caller.noted, caller.is_kept) = (0, None, None, false);
            }
            if !caller.flight.is_active && !awaited {
                caller.flight = Flight::default();
                if caller.kind == CallKind::Background && done && caller.release.is_none() {
                    *caller = Caller::default();
                }
            }
        }
    }
}

fn stamps_of(slot: Slot, label: Option<Stamp>, uses: &mut impl FnMut(Stamp)) {
    label.into_iter().for_each(&mut *uses);
    match slot {
        Slot::Vacant(_, stamp) | Slot::Conceded(stamp) | Slot::Entry(Entry { stamp, .. }) => uses(stamp),
        Slot::Absent => {}
    }
}
