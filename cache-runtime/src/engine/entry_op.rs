//! One access to one entry: key, labels, policy and counters, and how failures on the way are counted.
//!
//! The steps themselves are in [`lookup`](super::lookup), [`fill`](super::fill), [`write`](super::write) and
//! [`ttl`](super::ttl). Each is bounded in time, and none of them fails a call: a failure is counted and the call goes on
//! without the store.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use super::call::Call;
use super::context::{CallMode, Context};
use super::core::Core;
use super::silence::{SilenceOf, silent};
use super::waiting::{ShownWait, WaitingFlag};
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::rt::park;
use crate::site::expiries::Expiries;
use crate::site::path::dotted;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label, Labels, hex};

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
    /// The access of a call, unless the call runs uncached. The reason is counted, and a warning is logged once if the user
    /// can fix the cause.
    pub(crate) fn of(call: &'c Call, mode: CallMode) -> Option<Self> {
        admitted(call, mode).and_then(|core| Self::admitted(call, core))
    }

    /// The accesses of calls for several ids, unless they run uncached.
    pub(crate) fn of_all(calls: &'c [Call]) -> Option<Vec<Self>> {
        let (mut ops, mut open) = (Vec::with_capacity(calls.len()), None);
        for call in calls {
            // Whether a cache is open takes a system call, and is asked once.
            let core = match open {
                Some(open) if call.core().is_some_and(|core| Arc::ptr_eq(open, core)) && call.is_active() => {
                    open
                }
                _ => admitted(call, call.mode())?,
            };
            ops.push(Self::admitted(call, core)?);
            open = Some(core);
        }
        Some(ops)
    }

    /// The access of a call that may use this cache.
    fn admitted(call: &'c Call, core: &'c Arc<Core>) -> Option<Self> {
        match call.op() {
            Some(Ok(op)) => Some(op),
            Some(Err(error)) => {
                call.record(core, EventKind::EncodeError);
                core.stats.once(call.function(), || {
                    trace::warn(&format!("`{}` ran uncached: {error}", call.function()));
                });
                None
            }
            None => None,
        }
    }

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

    /// The access to the entry of this call; `None` when the call runs uncached, an error when its arguments make no key.
    pub(crate) fn op(&self) -> Option<Result<EntryOp<'_>, Error>> {
        let core = self.core()?;
        if let Some(error) = self.error() {
            return Some(Err(error.clone()));
        }
        let key = match self.key(core)? {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        let op = EntryOp {
            core,
            key: Cow::Owned(key),
            tags: Cow::Borrowed(self.tags()),
            late_tags: 0,
            knows_tags: true,
            policy: self.policy(),
            expiries: self.expiries(core.default_expire),
            counters: self.counters(core),
            function: self.function(),
            name: self.site().function_name(self.identity()),
            silence: SilenceOf::default(),
            waiting: None,
        };
        Some(Ok(op.with_late_tags()))
    }

    fn key(&self, core: &Core) -> Option<Result<Key, Error>> {
        let site = self.site();
        if let Some(text) = self.key_text() {
            let suffix = suffix(&site.generic_args(self.identity()), site.policy.version);
            return Some(Ok(core.key(self.group_name(), &[text, &suffix])));
        }
        let args = match self.hashed_args()?.key() {
            Ok(args) => args,
            Err(error) => return Some(Err(error)),
        };
        let salt = site.cached_salt(self.identity());
        let digest = hex(&args.digest(&with_shape(salt, self.shape())));
        let digest = std::str::from_utf8(&digest).unwrap_or_default();
        Some(Ok(core.key(self.group_name(), &[site.function_name(self.identity()).short(), ":", digest])))
    }
}

/// The cache of a call, unless the call runs uncached. The reason is counted.
pub(super) fn admitted(call: &Call, mode: CallMode) -> Option<&Arc<Core>> {
    let Some(core) = call.core() else {
        call.warn_if_early();
        return None;
    };
    if mode.bypasses() || !core.is_enabled || !call.is_active() || core.check_open().is_err() {
        call.record(core, EventKind::Bypass);
        return None;
    }
    Some(core)
}

/// Waits for a step of the store on this thread.
fn wait_here<T>(step: Pin<&mut dyn Future<Output = Result<T, Error>>>) -> Result<T, Error> {
    park::block_on(step)
}

/// The salt of a function whose value has this shape: entries of another shape have other keys.
fn with_shape(mut salt: [u8; 32], shape: u64) -> [u8; 32] {
    // Uniform, so the sum is uniform as well.
    salt.iter_mut().zip(shape.to_le_bytes()).for_each(|(byte, more)| *byte ^= more);
    salt
}

/// The end of a key text, which distinguishes instances of a generic function and versions.
pub(crate) fn suffix(instance: &str, version: u32) -> String {
    let mut suffix = String::new();
    if !instance.is_empty() {
        suffix.push('~');
        suffix.push_str(&dotted(instance));
    }
    if version > 0 {
        suffix.push_str(&format!("~v{version}"));
    }
    suffix
}
