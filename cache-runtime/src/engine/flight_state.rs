//! The state of one flight: a computation under way, its result, and the evidence of its age.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tokio::sync::watch;

use super::follower::{Completion, LeaderRef};
use super::snapshot::Snapshot;
use crate::rt::random::random_stamp;
use crate::store::Token;
use crate::types::key::Label;
use crate::types::stamp::{CurrentStamps, Stamp};

/// One computation under way.
pub(super) struct Flight {
    pub(super) leader: LeaderRef,
    /// The watch over stalled leaders knows this flight.
    pub(super) is_watched: AtomicBool,
    pub(super) sender: watch::Sender<Option<Completion>>,
    /// The variant that is computed: see [`Flights::join`](super::flight::Flights::join).
    pub(super) lane: u64,
    /// The length of the entry's key, after which the key of the flight may have a lane.
    pub(super) base: usize,
    /// Names what is stored beside the result, for all lanes.
    pub(super) stamp: Stamp,
    /// The result is no older than this tick of the shard; [`FUTURE`] while nothing has begun.
    pub(super) since: AtomicU64,
    /// The lease or stamps that the computation runs under.
    pub(super) basis: OnceLock<Basis>,
    /// The tags of the entry.
    pub(super) tags: OnceLock<Box<[Label]>>,
    /// The value names tags, of which nothing shows before it is computed.
    pub(super) names_tags: AtomicBool,
    /// This process has invalidated tags since the flight began.
    pub(super) has_dropped_tags: AtomicBool,
    /// Set when the key was invalidated in the meantime: the result is for the calls that wait already, and for no
    /// other.
    pub(super) void: AtomicBool,
}

/// Later than every tick.
pub(super) const FUTURE: u64 = u64::MAX;

/// The evidence by which a call that has read the store knows that a computation was not invalidated.
#[derive(Debug, Clone)]
pub(crate) enum Basis {
    /// The computation's lease is still there, and its labels have these stamps.
    Lease(Token, CurrentStamps),
    /// The labels have these stamps. Enough for a store that no other process shares: every invalidation goes through
    /// [`Flights::void`](super::flight::Flights::void).
    Stamps(CurrentStamps),
    /// There is no evidence.
    Nothing,
}

impl Flight {
    /// Returns a flight that has not begun.
    pub(super) fn new(leader: LeaderRef, lane: u64, base: usize) -> Self {
        Self {
            leader,
            is_watched: AtomicBool::new(false),
            sender: watch::Sender::new(None),
            lane,
            base,
            stamp: if lane == 0 { [0; 16] } else { random_stamp() },
            since: AtomicU64::new(FUTURE),
            basis: OnceLock::new(),
            tags: OnceLock::new(),
            names_tags: AtomicBool::new(false),
            has_dropped_tags: AtomicBool::new(false),
            void: AtomicBool::new(false),
        }
    }

    /// This process invalidates tags, which the value may name.
    pub(super) fn tags_dropped(&self) {
        if self.names_tags.load(SeqCst) {
            self.has_dropped_tags.store(true, SeqCst);
        }
    }

    /// Returns whether the result will be new enough for a call; `None` when that cannot be known.
    pub(super) fn serves(&self, snapshot: &Snapshot) -> Option<bool> {
        if self.since.load(SeqCst) > snapshot.tick {
            return Some(true);
        }
        if snapshot.is_blind {
            return Some(!self.has_dropped_tags.load(SeqCst));
        }
        if self.names_tags.load(SeqCst) {
            return None;
        }
        match self.basis.get()? {
            Basis::Lease(token, stamps) => {
                Some(snapshot.holder() == Some(*token) && *stamps == snapshot.stamps)
            }
            Basis::Stamps(stamps) => Some(*stamps == snapshot.stamps),
            Basis::Nothing => None,
        }
    }
}
