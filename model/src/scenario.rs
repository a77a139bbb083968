//! Scenario: how many take part, what they may do, what may go wrong, and what is broken on purpose.

/// Callers there is room for, background refreshes included.
pub const CALLERS: usize = 6;
/// Processes.
pub const PROCESSES: usize = 2;

/// How much of what a run may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// Writes to the database, each with an invalidation or a put.
    pub writes: u8,
    /// Entries that reach their expiry.
    pub ages: u8,
    /// Entries that are evicted or reach the end of their life.
    pub expiries: u8,
    /// Computations that fail.
    pub failures: u8,
    /// Waits that reach their limit.
    pub give_ups: u8,
    /// Leases that lapse while their holder goes on: it was stopped, or too slow.
    pub lapses: u8,
    /// Requests that are not answered in time, and arrive later, or never.
    pub timeouts: u8,
    /// Processes that are killed.
    pub kills: u8,
    /// FLUSHALL, or a server that restarts empty.
    pub flushes: u8,
}

/// What a function does with an entry past its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Nothing: it is gone.
    Plain,
    /// `stale_while_revalidate`.
    Revalidate,
    /// `stale_if_error`.
    OnError,
}

/// What a writer does after it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// Invalidates the key.
    Delete,
    /// Invalidates a tag, which the flights of the process do not hear of.
    Tag,
    /// Invalidates the group, which voids the flights of the process.
    Group,
    /// Stores the new version, whatever is there.
    Put,
}

/// A step that is not as the protocol has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// FILL stores whatever is in the slot.
    PlainSet,
    /// FILL compares no stamps, and stores under those of its own moment.
    StampOfTheFill,
    /// FILL compares no stamps, but stores under those of the lease.
    FillComparesNoStamps,
    /// The stamps are read when the computation is over.
    StampsAfterwards,
    /// The lease is a key of its own, which a DEL of the entry leaves there.
    LeaseBesideTheSlot,
    /// An invalidation leaves the flight of its process as it is, and nobody compares leases.
    FlightGoesOn,
    /// A flight is followed whatever the caller saw: only its own process can void it.
    FollowBlindly,
    /// A leader that finds another's value hands it to all who wait, whenever they came.
    LandsOldFinds,
    /// Who waits for a lease goes by what is to be seen, and never asks again.
    AsksOnce,
    /// A put stores whatever is there, and so does one that arrives late.
    PutWithoutLease,
    /// A leader that was invalidated asks for the lease all the same.
    VoidLeaderAsks,
    /// LEASE for a refresh is granted on an entry whose label was dropped.
    RefreshesWhatWasDropped,
    /// A refused process computes all the same.
    NobodyWaits,
}

/// One bounded world.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    /// Calls in each process, each made once, at any time.
    pub calls: [usize; PROCESSES],
    /// Whether the last call of the second process is `refresh(..)`.
    pub forced: bool,
    pub policy: Policy,
    pub writes: &'static [Write],
    pub budget: Budget,
    /// Whether an entry is there at the beginning.
    pub warm: bool,
    pub mutation: Option<Mutation>,
}

impl Scenario {
    pub fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Whether nothing goes wrong, so that a key is computed once in the whole cluster.
    pub fn is_calm(&self) -> bool {
        let Budget { give_ups, lapses, timeouts, kills, flushes, .. } = self.budget;
        give_ups + lapses + timeouts + kills + flushes == 0 && !self.forced
    }
}
