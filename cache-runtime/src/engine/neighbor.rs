//! Calls for different variants of one entry, which compute beside one another.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::flight_state::{Basis, Flight};
use super::follower::Completion;
use super::snapshot::Snapshot;
use crate::rt::io;
use crate::rt::stack::BoxFuture;
use crate::types::stamp::Stamp;

/// The leader of another lane, beside which a call computes its own variant.
pub(crate) struct Neighbor {
    flight: Weak<Flight>,
    /// A value that the leader finds is new enough for the call.
    serves: bool,
    completions: watch::Receiver<Option<Completion>>,
}

/// The beginning of a neighbor's computation. A computation that begins after it is not older than the neighbor's lease, so
/// whatever invalidates the one shows on the other.
pub(crate) struct Beginning {
    pub(crate) basis: Basis,
    /// The stamp of [`Leader::stamp`](super::flight::Leader::stamp).
    pub(crate) stamp: Stamp,
}

/// The end of a wait for the beginning of a neighbor's computation.
pub(crate) enum NeighborWait {
    Begun(Beginning),
    /// The neighbor found a value.
    Found(Completion),
    /// The flight is over.
    Over,
    /// The limit was reached, or the value that the neighbor found may be too old.
    Alone,
}

impl Neighbor {
    pub(super) fn of(flight: &Arc<Flight>, snapshot: &Snapshot) -> Self {
        Self {
            flight: Arc::downgrade(flight),
            serves: flight.serves(snapshot) == Some(true),
            completions: flight.sender.subscribe(),
        }
    }

    /// Waits until the computation begins, at most for `limit`: the leader asks for its lease meanwhile.
    pub(crate) fn begun(self, limit: Duration) -> BoxFuture<'static, NeighborWait> {
        Box::pin(self.beginning(limit))
    }

    async fn beginning(mut self, limit: Duration) -> NeighborWait {
        let wait = async {
            loop {
                if let Some(flight) = self.flight.upgrade()
                    && let Some(basis) = flight.basis.get()
                {
                    return NeighborWait::Begun(Beginning { basis: basis.clone(), stamp: flight.stamp });
                }
                if let Some(found) = self.completions.borrow_and_update().clone() {
                    return if self.serves { NeighborWait::Found(found) } else { NeighborWait::Alone };
                }
                if self.completions.changed().await.is_err() {
                    return NeighborWait::Over;
                }
            }
        };
        io::timeout(limit, wait).await.unwrap_or(NeighborWait::Alone)
    }
}
