//! A scenario: the callers, the writes, the faults, and the step that is wrong on purpose.

/// The largest number of callers, background refreshes included.
pub const CALLERS: usize = 6;
/// The number of processes.
pub const PROCESSES: usize = 2;

/// The largest number of each event in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// Writes to the database, each with an invalidation or a put.
    pub writes: u8,
    /// Entries that reach their expiry.
    pub ages: u8,
    /// Entries that are evicted or reach their hard expiry.
    pub expiries: u8,
    /// Computations that fail.
    pub failures: u8,
    /// Waits that reach their limit.
    pub give_ups: u8,
    /// Leases that lapse while their holder continues, because it was stopped or too slow.
    pub lapses: u8,
    /// Requests without an answer in time, which arrive later or never.
    pub timeouts: u8,
    /// Processes that are killed.
    pub kills: u8,
    /// Leaders that are not polled until nobody waits for them.
    pub stalls: u8,
    /// FLUSHALL, or a server that restarts empty; with a label in another slot, each node by itself.
    pub flushes: u8,
}

/// The use of an entry past its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// None: the entry is absent.
    Plain,
    /// `stale_while_revalidate`.
    Revalidate,
    /// `stale_if_error`.
    OnError,
}

/// The action of a writer after its write to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// Invalidates the key.
    Delete,
    /// Invalidates a tag, which voids the flights of the process, and leaves the mark of the key.
    Tag,
    /// Invalidates the group, which voids the flights of the process.
    Group,
    /// Stores the new version in place of any entry.
    Put,
    /// The same under a lease that is taken before the write to the database.
    LeasedPut,
}

/// A step that violates the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// FILL stores without comparing the lease.
    PlainSet,
    /// FILL compares no stamps, and stores the current ones.
    StampsOfTheFill,
    /// FILL compares no stamps, and stores those of the lease.
    FillComparesNoStamps,
    /// The stamps are read after the computation.
    StampsReadLate,
    /// The lease is a key of its own, which a DEL of the entry does not remove.
    LeaseOutsideTheSlot,
    /// An invalidation does not void the flight of its process, and callers do not compare leases.
    FlightNotVoided,
    /// Callers follow a flight whatever they have read: only its own process can void it.
    FollowBlindly,
    /// A leader that finds another's value hands it to all waiting callers, also to those that came later.
    SharesOldFinds,
    /// A caller that waits for a lease relies on visible changes and never asks again.
    AsksOnce,
    /// A put stores without a lease, also when it arrives late.
    PutWithoutLease,
    /// A put whose lease is gone leaves what is stored.
    RefusedPutsLeaveTheEntry,
    /// A put whose lease is gone stores all the same.
    PutsStoreWithoutLease,
    /// An invalidated leader still asks for the lease.
    VoidLeaderAsks,
    /// LEASE for a refresh is granted on an entry whose label was dropped.
    RefreshesDroppedEntries,
    /// A caller that is refused the lease computes.
    RefusedCallersCompute,
    /// A stalled leader is followed like any other.
    FollowsStalled,
    /// The invalidation of a tag voids no flight: who can read the store sees the new stamp there.
    TagsVoidNothing,
    /// Readers compare no stamps, as if FILL had compared them in the same step.
    ReaderComparesNoStamps,
    /// Another lookup of a leader reads the key alone, and uses the stamp of its first lookup.
    KeepsFirstStamp,
    /// A stamp that is gone when a value is to be stored is set again.
    RestoresStamps,
    /// A lease is taken from a holder with another stamp, which may be the newer one.
    OldStampsTakeLeases,
    /// A missing stamp is created without asking whether another caller has created one.
    OverwritesStamps,
}

/// One bounded world.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    /// The number of calls in each process; each is made once, at any time.
    pub calls: [usize; PROCESSES],
    /// `true` when the last call of the second process is `refresh(..)`.
    pub forced: bool,
    pub policy: Policy,
    pub writes: &'static [Write],
    /// The number of writers, one in each process.
    pub writers: usize,
    pub budget: Budget,
    /// `true` when the entry exists at the beginning.
    pub warm: bool,
    /// `true` when the label is in another slot than the key, as tags of a cluster are: no script reaches both.
    pub is_split: bool,
    /// `true` when the label has no stamp at the beginning.
    pub unstamped: bool,
    pub mutation: Option<Mutation>,
}

impl Scenario {
    pub fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Returns `true` without faults, so that a key is computed once in the whole cluster.
    pub fn is_fault_free(&self) -> bool {
        let Budget { give_ups, lapses, timeouts, kills, flushes, stalls, .. } = self.budget;
        give_ups + lapses + timeouts + kills + flushes + stalls == 0 && !self.forced
    }
}
