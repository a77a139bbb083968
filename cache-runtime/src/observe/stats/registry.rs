//! The record of one cache: the counters of its functions, and its events.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::counts::{Counters, Counts};
use super::report::{FunctionStats, Stats};
#[cfg(feature = "events")]
use crate::observe::events::EventChannel;
use crate::types::function_name::FunctionName;

/// The counters of one cache, by function, and the channel of its events.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    rows: RwLock<HashMap<String, Arc<Counters>, foldhash::fast::RandomState>>,
    /// The functions that a warning was reported for.
    reported: Mutex<HashSet<String>>,
    #[cfg(feature = "events")]
    pub(in crate::observe) events: EventChannel,
}

/// The counters of one function in one cache: those of the function's call site, or those of the registry where several
/// caches are used with one function.
#[derive(Debug)]
pub(crate) enum Tally<'a> {
    CallSite(&'a Counters),
    Row(Arc<Counters>),
}

impl Registry {
    /// Creates the registry of a cache whose events hold keys, or do not.
    #[cfg(feature = "events")]
    pub(crate) fn with_events(hold_keys: bool) -> Self {
        Self { events: EventChannel::new(hold_keys), ..Self::default() }
    }

    /// Returns the counters of a function, creating them at the first call.
    pub(crate) fn row(&self, function: &str) -> Arc<Counters> {
        if let Some(row) = self.rows.read().unwrap_or_else(PoisonError::into_inner).get(function) {
            return Arc::clone(row);
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rows.entry(function.to_owned()).or_default())
    }

    /// Runs `report` at the first call with this function.
    pub(crate) fn once(&self, function: &str, report: impl FnOnce()) {
        let is_first =
            self.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(function.to_owned());
        if is_first {
            report();
        }
    }

    /// Ends the streams of events.
    #[cfg(feature = "events")]
    pub(crate) fn close(&self) {
        self.events.close();
    }

    /// Returns the current counts.
    pub(crate) fn stats(&self) -> Stats {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        // Two rows have one name where another function got the name of the first one meanwhile.
        let mut functions: BTreeMap<String, Counts> = BTreeMap::new();
        for (function, row) in rows.iter() {
            functions.entry(FunctionName::shown_for(function)).or_default().add(&row.counts());
        }
        Stats::new(
            functions.into_iter().map(|(function, counts)| FunctionStats { function, counts }).collect(),
        )
    }
}

impl Deref for Tally<'_> {
    type Target = Counters;
    fn deref(&self) -> &Counters {
        match self {
            Self::CallSite(counters) => counters,
            Self::Row(counters) => counters,
        }
    }
}
