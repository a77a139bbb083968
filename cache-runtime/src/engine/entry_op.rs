//! One access to one entry: key, labels, policy and counters, and how failures on the way are counted.
//!
//! The steps themselves are in [`lookup`](super::lookup), [`fill`](super::fill), [`write`](super::write) and
//! [`ttl`](super::ttl). Each is bounded in time, and none of them fails a call: a failure is counted and the call goes on
//! without the store.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use super::call::Call;
use super::context::Context;
use super::core::Core;
use super::silence::{SilenceOf, silent};
use super::waiting::{ShownWait, WaitingFlag};
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::rt::park;
use crate::site::expiries::Expiries;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label, Labels};

/// An access to an entry: everything about it that can be known before the first lookup.
pub(crate) struct EntryOp<'c> {
    pub(crate) core: &'c Arc<Core>,
    pub(crate) key: Cow<'c, Key>,
    /// The tags of the entry, as far as the caller knows them: those that the call names, then those that values name.
    pub(crate) tags: Cow<'c, [Label]>,
    /// The number of those that values name.
    pub(crate) late_tags: usize,
    /// True if the entry can have no other tags than `tags`.
    pub(crate) knows_tags: bool,
    pub(crate) policy: &'c Policy,
    pub(crate) expiries: Expiries,
    pub(crate) counters: Tally<'c>,
    /// The name of the function, for events.
    pub(crate) function: &'c str,
    /// The name of the function whose entry it is, for the envelope.
    pub(crate) name: &'static FunctionName,
    /// The store left a step of the call unanswered.
    pub(crate) silence: SilenceOf<'c>,
    /// Shows a call for several ids that the access to this one waits for another call.
    pub(crate) waiting: Option<&'c WaitingFlag>,
}

impl<'c> EntryOp<'c> {
    /// Attributes this access to another function in statistics and events.
    pub(crate) fn attributed_to(mut self, function: &'c str) -> Self {
        self.counters = Tally::Row(self.core.stats.row(function));
        self.function = function;
        self
    }

    /// The labels of the entry, as far as the caller knows them.
    pub(crate) fn labels(&self) -> Labels<'_> {
        Labels { group: self.key.group(), tags: &self.tags }
    }

    /// The function whose entry it is; `None` for the handle, whose keys may be those of functions.
    pub(crate) fn known_function(&self) -> Option<&'static FunctionName> {
        (self.knows_tags || self.policy.late_tags).then_some(self.name)
    }

    /// The labels that are known before a value is: those of a lease.
    pub(crate) fn own_labels(&self) -> Labels<'_> {
        Labels { group: self.key.group(), tags: self.own_tags() }
    }

    /// The tags that the call names.
    pub(crate) fn own_tags(&self) -> &[Label] {
        &self.tags[..self.tags.len() - self.late_tags]
    }

    /// Adds the tags that the last value of the entry named, as this process remembers them, so that one read finds their stamps.
    pub(crate) fn with_late_tags(mut self) -> Self {
        if self.policy.late_tags {
            self.knows_tags = false;
            if let Some(late) = self.core.late_tags.get(self.key.as_str()) {
                self.late_tags = late.len();
                self.tags.to_mut().extend(late.iter().cloned());
            }
        }
        self
    }

    /// Counts a result that is not stored.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.record(EventKind::Refused { reason });
    }

    /// Records what happened to the entry.
    #[inline]
    pub(crate) fn record(&self, kind: EventKind) {
        self.core.stats.record(self.row(), Some(self.key.as_str()), kind);
    }

    /// The function that what happens is recorded for.
    #[inline]
    pub(crate) fn row(&self) -> Row<'_> {
        Row { counters: &self.counters, function: self.function }
    }

    /// Waits for a step of the store, which is large and so not moved, and counts its failure, unless the store left an earlier step of the same call unanswered:
    /// one call waits once.
    ///
    /// # Errors
    /// The step failed or was not tried.
    pub(crate) async fn ask<T>(
        &self,
        step: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let silence = self.silence.get();
        if silence.is_noted() {
            return Err(silent());
        }
        let result = if Context::is_deep() { wait_here(step) } else { step.await };
        result.inspect_err(|error| {
            silence.note(error);
            self.core.store_failed(self.row(), Some(self.key.as_str()), error);
        })
    }

    /// Shows, until the guard is dropped, that this access waits for the computation of another call.
    pub(crate) fn waits_for_others(&self) -> ShownWait<'c> {
        ShownWait::begin(self.waiting)
    }

    /// Warns once per function that a call waited as long as it may.
    pub(crate) fn waited_in_vain(&self) {
        let limit = self.core.max_wait;
        self.core.stats.once(&format!("wait {}", self.function), || {
            trace::warn(&format!(
                "a call of `{}` waited {limit:?} for another call that computes, and computes by itself now; the function may take longer than `max_wait`",
                self.function
            ));
        });
    }

    /// Counts a value that cannot be encoded, and warns once per function.
    pub(crate) fn not_encoded(&self, error: &Error) {
        if matches!(error, Error::TooLarge { .. }) {
            self.refused("too large");
        } else {
            self.record(EventKind::EncodeError);
        }
        self.core.stats.once(self.function, || {
            trace::warn(&format!("a result of `{}` was not stored: {error}", self.function));
        });
    }
}

impl Call {
    /// Records what happened to the call.
    pub(crate) fn record(&self, core: &Core, kind: EventKind) {
        core.stats.record_with(&self.counters(core), kind, || self.function(), || self.whole_key());
    }

    /// The whole key of the entry, if there is one.
    #[cold]
    pub(super) fn whole_key(&self) -> Option<String> {
        Some(self.op()?.ok()?.key.as_str().to_owned())
    }
}

/// Waits for a step of the store on this thread.
fn wait_here<T>(step: Pin<&mut dyn Future<Output = Result<T, Error>>>) -> Result<T, Error> {
    park::block_on(step)
}
