//! Store: what Redis holds of one key, and the scripts that change it.

use crate::scenario::{Mutation, Scenario};

/// The version of a value in the database. It only grows.
pub type Version = u8;

/// The random mark of the label.
pub type Stamp = u8;

/// The random name of a lease: the process in the upper half, so that a process knows its own.
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
    Entry(Entry),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub version: Version,
    pub stamp: Stamp,
    /// Past its expiry, and there for the stale options.
    pub old: bool,
    pub hold: Hold,
}

/// Who may refresh an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    Anybody,
    /// A refresh failed, and nobody is to try.
    Pause,
    Lease(Token),
}

/// What Redis holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Store {
    pub slot: Slot,
    pub label: Option<Stamp>,
    /// Where the lease is when it is not in the slot: [`Mutation::LeaseBesideTheSlot`].
    pub side: Option<Token>,
}

/// What one read found, or that it was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Seen {
    #[default]
    Away,
    Found(Slot, Option<Stamp>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Miss,
    Refresh,
    Force,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Granted(Stamp),
    Held,
    Paused,
    Changed,
}

/// A request that may arrive when nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Lease(Token, Mode, Seen),
    Claim(Token),
    Fill(Option<Token>, Version, Stamp),
    Release(Token, bool),
    Delete,
    Restamp,
}

impl Slot {
    /// Who holds the lease.
    pub fn holder(self) -> Option<Token> {
        match self {
            Self::Vacant(token, _) | Self::Entry(Entry { hold: Hold::Lease(token), .. }) => Some(token),
            _ => None,
        }
    }

    /// Without its lease and its age: what LEASE compares with what the caller saw.
    pub fn bare(self) -> Self {
        match self {
            Self::Entry(entry) => Self::Entry(Entry { hold: Hold::Anybody, old: false, ..entry }),
            slot => slot,
        }
    }
}

impl Seen {
    /// The entry, if it may be served.
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
    pub fn look(&self) -> Seen {
        Seen::Found(self.slot, self.label)
    }

    /// Carries out a request. `fresh` is a stamp that nobody has.
    pub fn run(&mut self, scenario: &Scenario, op: Op, fresh: Stamp) -> Option<Answer> {
        match op {
            Op::Lease(token, mode, seen) => return Some(self.lease(scenario, token, mode, seen, fresh)),
            Op::Fill(token, version, stamp) => {
                self.fill(scenario, token, version, stamp);
            }
            Op::Release(token, pause) => self.release(token, pause),
            Op::Claim(token) => {
                self.claim(token, fresh);
            }
            Op::Delete => self.slot = Slot::Absent,
            Op::Restamp => self.label = Some(fresh),
        }
        None
    }

    /// LEASE.
    pub fn lease(
        &mut self,
        scenario: &Scenario,
        token: Token,
        mode: Mode,
        seen: Seen,
        fresh: Stamp,
    ) -> Answer {
        let label = *self.label.get_or_insert(fresh);
        let granted = Answer::Granted(label);
        if scenario.has(Mutation::LeaseBesideTheSlot) {
            if matches!(self.slot, Slot::Entry(_)) && self.slot.bare() != seen.slot().bare() {
                return Answer::Changed;
            }
            if self.side.is_some_and(|holder| holder.process() != token.process()) {
                return Answer::Held;
            }
            self.side = Some(token);
            return granted;
        }
        match self.slot {
            Slot::Absent | Slot::Vacant(..) if mode == Mode::Refresh => return Answer::Changed,
            Slot::Vacant(holder, stamp)
                if mode != Mode::Force && holder.process() != token.process() && stamp == label =>
            {
                return Answer::Held;
            }
            Slot::Entry(entry) => {
                if mode != Mode::Force && self.slot.bare() != seen.slot().bare() {
                    return Answer::Changed;
                }
                if mode == Mode::Refresh
                    && entry.stamp != label
                    && !scenario.has(Mutation::RefreshesWhatWasDropped)
                {
                    return Answer::Changed;
                }
                if mode != Mode::Miss {
                    match entry.hold {
                        Hold::Pause if mode == Mode::Refresh => return Answer::Paused,
                        Hold::Lease(holder)
                            if mode == Mode::Refresh && holder.process() != token.process() =>
                        {
                            return Answer::Held;
                        }
                        _ => {}
                    }
                    self.slot = Slot::Entry(Entry { hold: Hold::Lease(token), ..entry });
                    return granted;
                }
            }
            Slot::Absent | Slot::Vacant(..) => {}
        }
        self.slot = Slot::Vacant(token, label);
        granted
    }

    /// LEASE for a put: whatever is there is gone.
    pub fn claim(&mut self, token: Token, fresh: Stamp) -> Stamp {
        let label = *self.label.get_or_insert(fresh);
        self.slot = Slot::Vacant(token, label);
        label
    }

    /// FILL; answers whether it was stored.
    pub fn fill(
        &mut self,
        scenario: &Scenario,
        token: Option<Token>,
        version: Version,
        stamp: Stamp,
    ) -> bool {
        let holder = if scenario.has(Mutation::LeaseBesideTheSlot) { self.side } else { self.slot.holder() };
        let compares_token = token.is_some() && !scenario.has(Mutation::PlainSet);
        if compares_token && holder != token {
            return false;
        }
        let stamp = match self.label {
            // What the mutation stores is under the label of this moment: it is read as if it were new.
            Some(now) if scenario.has(Mutation::StampOfTheFill) => now,
            Some(now) if now == stamp || scenario.has(Mutation::FillComparesNoStamps) => stamp,
            _ => return false,
        };
        self.side = None;
        self.slot = Slot::Entry(Entry { version, stamp, old: false, hold: Hold::Anybody });
        true
    }

    /// RELEASE.
    fn release(&mut self, token: Token, pause: bool) {
        if self.side == Some(token) {
            self.side = None;
        }
        match self.slot {
            Slot::Vacant(holder, _) if holder == token => self.slot = Slot::Absent,
            Slot::Entry(entry) if entry.hold == Hold::Lease(token) => {
                let hold = if pause { Hold::Pause } else { Hold::Anybody };
                self.slot = Slot::Entry(Entry { hold, ..entry });
            }
            _ => {}
        }
    }

    /// The end of a lease that was not renewed, or of a pause.
    pub fn lapse(&mut self) {
        self.side = None;
        match self.slot {
            Slot::Vacant(..) => self.slot = Slot::Absent,
            Slot::Entry(entry) => self.slot = Slot::Entry(Entry { hold: Hold::Anybody, ..entry }),
            Slot::Absent => {}
        }
    }
}
