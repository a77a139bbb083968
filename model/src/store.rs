//! The content of Redis for one key, and the scripts that change it.

use crate::scenario::{Mutation, Scenario};

/// The version of a value in the database, which only grows.
pub type Version = u8;

/// The random stamp of the label.
pub type Stamp = u8;

/// The random token of a lease, with the process in the upper half, so that a process recognises its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u8);

impl Token {
    pub fn of(process: usize, number: u8) -> Self {
        Self((process as u8) << 4 | number)
    }

    pub fn process(self) -> usize {
        usize::from(self.0 >> 4)
    }
}

/// The slot of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Slot {
    #[default]
    Absent,
    Vacant(Token, Stamp),
    /// The last result was not cached.
    Conceded(Stamp),
    Entry(Entry),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub version: Version,
    pub stamp: Stamp,
    /// `true` past the expiry, where only the stale options use the entry.
    pub is_stale: bool,
    pub hold: Hold,
}

/// The right to refresh an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    Anybody,
    /// A refresh failed, and no caller may try for a while.
    Pause,
    Lease(Token),
}

/// The content of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Store {
    pub slot: Slot,
    /// The lease of a write, in the slot as well: all that writes the slot anew ends it.
    pub put: Option<Token>,
    pub label: Option<Stamp>,
    /// The lease outside the slot, with [`Mutation::LeaseOutsideTheSlot`].
    pub side: Option<Token>,
}

/// The result of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Snapshot {
    #[default]
    Unavailable,
    Found(Slot, Option<Stamp>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseMode {
    Miss,
    Refresh,
    Force,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leased {
    Granted(Stamp),
    Held,
    Paused,
    Changed,
}

/// A request, which may arrive after its sender has abandoned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// With the stamp of a label in another slot.
    Lease(Token, LeaseMode, Snapshot, Option<Stamp>),
    Claim(Token, Option<Stamp>),
    Begin(Token, Option<Stamp>),
    Fill(Option<Token>, Version, Stamp),
    Release(Token, bool),
    Delete,
    Restamp,
    /// Creates a missing stamp in the slot of the label.
    Stamp,
}

impl Slot {
    /// Returns the holder of the lease.
    pub fn holder(self) -> Option<Token> {
        match self {
            Self::Vacant(token, _) | Self::Entry(Entry { hold: Hold::Lease(token), .. }) => Some(token),
            _ => None,
        }
    }

    /// Returns the slot without lease and staleness, as LEASE compares it with the caller's snapshot.
    pub fn without_lease(self) -> Self {
        match self {
            Self::Entry(entry) => Self::Entry(Entry { hold: Hold::Anybody, is_stale: false, ..entry }),
            slot => slot,
        }
    }
}

impl Snapshot {
    /// Returns the entry, if its stamp is current.
    pub fn entry(self) -> Option<Entry> {
        match self {
            Self::Found(Slot::Entry(entry), Some(label)) if entry.stamp == label => Some(entry),
            _ => None,
        }
    }

    fn slot(self) -> Slot {
        if let Self::Found(slot, _) = self { slot } else { Slot::Absent }
    }
}

impl Store {
    pub fn lookup(&self) -> Snapshot {
        Snapshot::Found(self.slot, self.label)
    }

    /// Carries out a request. `fresh` is a stamp that is not in use.
    pub fn run(&mut self, scenario: &Scenario, op: Op, fresh: Stamp) -> Option<Leased> {
        match op {
            Op::Lease(token, mode, snapshot, noted) => {
                let label = self.label_or(noted, fresh);
                return Some(self.lease(scenario, token, mode, snapshot, label));
            }
            Op::Fill(token, version, stamp) => {
                self.fill(scenario, token, version, stamp);
            }
            Op::Release(token, pause) => self.release(token, pause),
            Op::Claim(token, noted) => {
                let label = self.label_or(noted, fresh);
                self.claim(token, label);
            }
            Op::Begin(token, noted) => {
                self.label_or(noted, fresh);
                self.begin(token);
            }
            Op::Delete => (self.slot, self.put) = (Slot::Absent, None),
            // Without a stamp there is nothing under the label.
            Op::Restamp => self.label = self.label.map(|_| fresh),
            Op::Stamp => {
                self.label_or(None, fresh);
            }
        }
        None
    }

    /// Returns the stamp that the caller noted of a label in another slot, else the current one, which may be new.
    pub fn label_or(&mut self, noted: Option<Stamp>, fresh: Stamp) -> Stamp {
        noted.unwrap_or_else(|| *self.label.get_or_insert(fresh))
    }

    /// The script LEASE.
    pub fn lease(
        &mut self,
        scenario: &Scenario,
        token: Token,
        mode: LeaseMode,
        snapshot: Snapshot,
        label: Stamp,
    ) -> Leased {
        let granted = Leased::Granted(label);
        if scenario.has(Mutation::LeaseOutsideTheSlot) {
            return self.lease_outside(token, snapshot).unwrap_or(granted);
        }
        match self.slot {
            Slot::Absent | Slot::Vacant(..) | Slot::Conceded(_) if mode == LeaseMode::Refresh => {
                return Leased::Changed;
            }
            Slot::Vacant(holder, stamp)
                if mode != LeaseMode::Force && holder.process() != token.process() && stamp == label =>
            {
                return Leased::Held;
            }
            // The stamp that the caller noted may be older than that of a lease which it has not seen.
            Slot::Vacant(holder, _)
                if scenario.is_split
                    && mode != LeaseMode::Force
                    && holder.process() != token.process()
                    && snapshot.slot().holder() != Some(holder)
                    && !scenario.has(Mutation::OldStampsTakeLeases) =>
            {
                return Leased::Changed;
            }
            Slot::Entry(entry) => {
                if mode != LeaseMode::Force && self.slot.without_lease() != snapshot.slot().without_lease() {
                    return Leased::Changed;
                }
                if mode == LeaseMode::Refresh
                    && entry.stamp != label
                    && !scenario.has(Mutation::RefreshesDroppedEntries)
                {
                    return Leased::Changed;
                }
                if mode != LeaseMode::Miss {
                    match entry.hold {
                        Hold::Pause if mode == LeaseMode::Refresh => return Leased::Paused,
                        Hold::Lease(holder)
                            if mode == LeaseMode::Refresh && holder.process() != token.process() =>
                        {
                            return Leased::Held;
                        }
                        _ => {}
                    }
                    (self.slot, self.put) = (Slot::Entry(Entry { hold: Hold::Lease(token), ..entry }), None);
                    return granted;
                }
            }
            Slot::Absent | Slot::Vacant(..) | Slot::Conceded(_) => {}
        }
        (self.slot, self.put) = (Slot::Vacant(token, label), None);
        granted
    }

    /// Takes a lease that is a key of its own; returns why it is refused.
    fn lease_outside(&mut self, token: Token, snapshot: Snapshot) -> Option<Leased> {
        if matches!(self.slot, Slot::Entry(_)) && self.slot.without_lease() != snapshot.slot().without_lease()
        {
            return Some(Leased::Changed);
        }
        if self.side.is_some_and(|holder| holder.process() != token.process()) {
            return Some(Leased::Held);
        }
        self.side = Some(token);
        None
    }

    /// The script LEASE for a put, which removes any entry.
    pub fn claim(&mut self, token: Token, label: Stamp) {
        (self.slot, self.put) = (Slot::Vacant(token, label), None);
    }

    /// The script LEASE for a write that begins: what is in the slot stays.
    pub fn begin(&mut self, token: Token) {
        self.put = Some(token);
    }

    /// The script FILL. Returns `true` when the value was stored.
    pub fn fill(
        &mut self,
        scenario: &Scenario,
        token: Option<Token>,
        version: Version,
        stamp: Stamp,
    ) -> bool {
        let holder = if scenario.has(Mutation::LeaseOutsideTheSlot) { self.side } else { self.slot.holder() };
        let compares_token = token.is_some() && !scenario.has(Mutation::PlainSet);
        if compares_token && holder != token && self.put != token {
            return false;
        }
        let stamp = match self.label {
            // FILL does not reach the label: KEEP has compared it before.
            _ if scenario.is_split && !scenario.has(Mutation::StampsOfTheFill) => stamp,
            // The mutation stores with the current stamp, so the value is read as if it were new.
            Some(now) if scenario.has(Mutation::StampsOfTheFill) => now,
            Some(now) if now == stamp || scenario.has(Mutation::FillComparesNoStamps) => stamp,
            _ => return false,
        };
        (self.side, self.put) = (None, None);
        self.slot = Slot::Entry(Entry { version, stamp, is_stale: false, hold: Hold::Anybody });
        true
    }

    /// The script RELEASE.
    fn release(&mut self, token: Token, pause: bool) {
        if self.side == Some(token) {
            self.side = None;
        }
        match self.slot {
            Slot::Vacant(holder, stamp) if holder == token => {
                self.put = None;
                self.slot = if pause { Slot::Conceded(stamp) } else { Slot::Absent };
            }
            Slot::Entry(entry) if entry.hold == Hold::Lease(token) => {
                let hold = if pause { Hold::Pause } else { Hold::Anybody };
                self.slot = Slot::Entry(Entry { hold, ..entry });
            }
            _ => {}
        }
    }

    /// Ends a lease that was not extended, or a pause.
    pub fn lapse(&mut self) {
        self.side = None;
        match self.slot {
            Slot::Vacant(..) => (self.slot, self.put) = (Slot::Absent, None),
            Slot::Conceded(_) => self.slot = Slot::Absent,
            Slot::Entry(entry) => self.slot = Slot::Entry(Entry { hold: Hold::Anybody, ..entry }),
            Slot::Absent => {}
        }
    }
}
