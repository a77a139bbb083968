//! The board of a call for several ids: the ids that are to be computed, and their results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::IdState;
use crate::engine::context::Context;
use crate::engine::flight::Leader;
use crate::engine::leader_waker::LeaderWaker;
use crate::engine::snapshot::Snapshot;
use crate::engine::waiting::WaitingFlag;
use crate::engine::waits::FlightId;
use crate::site::many_result::{EachResult, Lost};

/// A flight and the waker of its leader.
pub(super) type LedFlight = (FlightId, Arc<LeaderWaker>);

/// A stale entry that is to be refreshed in the background, with the lead of its key.
pub(crate) struct StaleId {
    pub(super) index: usize,
    pub(super) leader: Leader,
    pub(super) snapshot: Snapshot,
}

/// The ids of a call by their positions.
pub(super) struct Board<V> {
    places: Mutex<Vec<IdPlace<V>>>,
    stale: Mutex<Vec<StaleId>>,
    /// Show which ids other calls compute.
    pub(super) waiting: Vec<WaitingFlag>,
    /// Stale ids can be refreshed in the background.
    pub(super) can_detach: bool,
}

/// The place of one id.
enum IdPlace<V> {
    Open,
    /// The id is to be computed; with the flight that it leads.
    Asked(Option<LedFlight>),
    Computing,
    Answered(EachResult<V>),
    /// The result was taken.
    Taken,
}

impl<V> Board<V> {
    /// Returns a board for so many ids.
    pub(super) fn new(ids: usize, can_detach: bool) -> Self {
        Self {
            places: Mutex::new((0..ids).map(|_| IdPlace::Open).collect()),
            stale: Mutex::default(),
            waiting: (0..ids).map(|_| WaitingFlag::default()).collect(),
            can_detach,
        }
    }

    /// Asks for the computation of an id. Returns its result once it is there.
    pub(super) fn ask(&self, index: usize) -> Option<EachResult<V>> {
        let mut places = self.places();
        let place = &mut places[index];
        match std::mem::replace(place, IdPlace::Taken) {
            IdPlace::Answered(result) => return Some(result),
            IdPlace::Open => *place = IdPlace::Asked(Context::innermost_flight()),
            asked => *place = asked,
        }
        None
    }

    /// The state of an id whose call has not ended.
    pub(super) fn state(&self, index: usize) -> IdState {
        match &self.places()[index] {
            IdPlace::Open if self.waiting[index].is_set() => IdState::Waits,
            IdPlace::Open => IdState::Open,
            IdPlace::Asked(_) => IdState::Asked,
            IdPlace::Computing => IdState::Computing,
            IdPlace::Answered(_) | IdPlace::Taken => IdState::Answered,
        }
    }

    /// Begins the computation of ids; returns the flight that each of them leads.
    pub(super) fn begin(&self, ids: &[usize]) -> Vec<Option<LedFlight>> {
        let mut places = self.places();
        let begin = |index: &usize| match std::mem::replace(&mut places[*index], IdPlace::Computing) {
            IdPlace::Asked(flight) => flight,
            _ => None,
        };
        ids.iter().map(begin).collect()
    }

    /// Hands out the values of ids.
    pub(super) fn answer(&self, ids: &[usize], values: Vec<Option<V>>) {
        let mut places = self.places();
        ids.iter().zip(values).for_each(|(index, value)| places[*index] = IdPlace::Answered(Ok(value)));
    }

    /// Ends the computation of ids without values.
    pub(super) fn fail(&self, ids: &[usize]) {
        let mut places = self.places();
        ids.iter().for_each(|index| places[*index] = IdPlace::Answered(Err(Lost)));
    }

    /// Adds a stale entry.
    pub(super) fn refresh(&self, stale: StaleId) {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).push(stale);
    }

    /// Takes the stale entries that were added.
    pub(super) fn take_stale(&self) -> Vec<StaleId> {
        std::mem::take(&mut *self.stale.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn places(&self) -> MutexGuard<'_, Vec<IdPlace<V>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
