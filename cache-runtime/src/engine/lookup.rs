//! The lookup of an entry: what a call finds in the store, and what may be done with it.

use std::cell::LazyCell;
use std::pin::pin;

use bytes::Bytes;

use super::decide::{EntryState, EntryTimes, LabelCheck, Stale, has_tags, label_check, verdict};
use super::entry_op::EntryOp;
use super::snapshot::Snapshot;
use super::turns::Takeover;
use crate::codec::envelope::{self, Envelope};
use crate::codec::{Decode, DecodeError};
use crate::observe::event_kind::Tier;
use crate::rt::stack::BoxFuture;
use crate::store::{HeldTags, NearAccess, NearChanges, Store, StoreRead};
use crate::types::error::Error;
use crate::types::key::{Label, Labels};
use crate::types::stamp::CurrentStamps;

/// The result of a lookup.
pub(crate) enum Lookup<V> {
    /// A value that may be served.
    Fresh(Hit<V>),
    /// A value that may be served while a new one is computed in the background.
    Early(Hit<V>),
    /// A value past its expiry that may be served under conditions.
    Stale(Hit<V>, Stale),
    /// Nothing to serve.
    Miss(Snapshot),
    /// The store did not answer, or its value is known to be old.
    Unavailable(Snapshot, Error),
}

/// A stored result.
pub(crate) struct Hit<V> {
    /// `None` is a stored `None`.
    pub(crate) value: Option<V>,
    pub(crate) snapshot: Snapshot,
}

/// The first part of a lookup.
pub(crate) enum LookupStart<'n, V> {
    /// This process knows the result without the store.
    Known(Lookup<V>),
    Reads(BegunLookup<'n>),
}

/// A lookup that waits for what the store has.
pub(crate) struct BegunLookup<'n> {
    tick: u64,
    pub(super) near: Option<(NearAccess<'n>, NearChanges)>,
}

impl<'n> BegunLookup<'n> {
    /// The near cache, and the number of its changes when the lookup began.
    fn near(&self) -> Option<(NearAccess<'n>, &NearChanges)> {
        self.near.as_ref().map(|(near, changes)| (*near, changes))
    }
}

/// The findings about a stored entry.
pub(super) enum Findings<V> {
    /// A value (`None` is a stored `None`), and what may be done with it.
    Value(EntryState, Option<V>),
    /// Nothing; with the use of the stored bytes, where this call cannot read them.
    Nothing(Option<Takeover>),
    /// It depends on the stamps of tags that the reader does not know.
    DependsOnTags,
}

impl EntryOp<'_> {
    /// Looks up the entry: in the near cache, else in the store.
    pub(crate) async fn lookup<V: Decode>(&self) -> Lookup<V> {
        let begun = match self.begin_lookup() {
            LookupStart::Known(lookup) => return lookup,
            LookupStart::Reads(begun) => begun,
        };
        if let BegunLookup { tick, near: Some((near, changes)) } = &begun
            && let Some(held) = near.held_stamps(&self.tags).filter(|_| !self.is_large())
            && let Some(found) = Box::pin(self.lookup_under(held, *tick, (*near, changes))).await
        {
            return found;
        }
        let read = if self.is_large() {
            self.read_large().await
        } else {
            self.ask(pin!(self.core.store.read(&self.key, self.labels()))).await
        };
        if read.is_ok() {
            self.core.outage.store_answered();
        }
        self.finish_lookup(begun, read).await
    }

    /// Begins a lookup: the result where this process knows it, else what has to be known before the store is read.
    pub(crate) fn begin_lookup<V: Decode>(&self) -> LookupStart<'_, V> {
        let tick = self.core.flights.tick(self.key.as_str());
        if self.core.pending.holds(&self.key, self.labels(), self.known_function()) {
            let snapshot = Snapshot { tick, ..Snapshot::default() };
            return LookupStart::Known(Lookup::Unavailable(snapshot, pending()));
        }
        // The handle has no TTL for copies, and does not know the tags of what it reads.
        let near = if self.knows_tags || self.policy.late_tags {
            self.core.near.access(&self.core.store, self.policy.local)
        } else {
            None
        };
        if let Some(hit) = near.and_then(|near| self.copied(tick, near)) {
            return LookupStart::Known(Lookup::Fresh(hit));
        }
        let near = near.map(|near| (near, near.changes(&self.key, self.labels())));
        LookupStart::Reads(BegunLookup { tick, near })
    }

    /// The rest of a lookup, from what the store returned.
    pub(crate) async fn finish_lookup<V: Decode>(
        &self,
        begun: BegunLookup<'_>,
        read: Result<StoreRead, Error>,
    ) -> Lookup<V> {
        let StoreRead { bytes, stamps } = match read {
            Ok(read) => read,
            Err(error) => return unavailable(begun.tick, error),
        };
        let Some(bytes) = bytes else {
            return Lookup::Miss(Snapshot { tick: begun.tick, stamps, ..Snapshot::default() });
        };
        let findings = self.examine_read(&begun, &bytes, &stamps);
        self.conclude_read(&begun, findings, bytes, stamps).await
    }

    /// Looks up the entry in the store, under stamps of its tags that this process holds. `None` if it is not valid under them.
    async fn lookup_under<V: Decode>(
        &self,
        held: HeldTags,
        tick: u64,
        (near, changes): (NearAccess<'_>, &NearChanges),
    ) -> Option<Lookup<V>> {
        let beside = Labels { group: self.key.group(), tags: &[] };
        let StoreRead { bytes, stamps } = match self.ask(pin!(self.core.store.read(&self.key, beside))).await
        {
            Ok(read) => read,
            Err(error) => return Some(unavailable(tick, error)),
        };
        let bytes = bytes?;
        let stamps: CurrentStamps = stamps.iter().copied().chain(held.stamps.into_iter().map(Some)).collect();
        let opened = envelope::open(&self.key, &bytes, V::limit(self.core.max_value))?;
        if label_check(&opened, self.labels(), &stamps, true) != LabelCheck::Current {
            return None;
        }
        self.core.outage.store_answered();
        let snapshot = Snapshot { tick, bytes, stamps, ..Snapshot::default() };
        let near = Some((near.older(held.age), changes));
        let check = |opened: &Envelope<'_>| self.label_check(opened, &snapshot.stamps);
        let findings = self.findings(&snapshot.bytes, near, check);
        Some(self.conclude(findings, snapshot, near).await)
    }

    /// Examines what the store returned, before it is known whether more has to be read.
    pub(super) fn examine_read<V: Decode>(
        &self,
        begun: &BegunLookup<'_>,
        bytes: &Bytes,
        stamps: &CurrentStamps,
    ) -> Findings<V> {
        if let Some((near, changes)) = &begun.near {
            near.hold_stamps(changes, &self.key, self.labels(), stamps);
        }
        self.findings(bytes, begun.near(), |opened| self.label_check(opened, stamps))
    }

    /// The lookup for what [`EntryOp::examine_read`] found.
    pub(super) async fn conclude_read<V: Decode>(
        &self,
        begun: &BegunLookup<'_>,
        findings: Findings<V>,
        bytes: Bytes,
        stamps: CurrentStamps,
    ) -> Lookup<V> {
        let snapshot = Snapshot { tick: begun.tick, bytes, stamps, ..Snapshot::default() };
        self.conclude(findings, snapshot, begun.near()).await
    }

    /// The lookup for these findings. What is rare is boxed.
    async fn conclude<V: Decode>(
        &self,
        findings: Findings<V>,
        snapshot: Snapshot,
        near: Option<(NearAccess<'_>, &NearChanges)>,
    ) -> Lookup<V> {
        match findings {
            Findings::Value(verdict, value) => sorted(verdict, value, snapshot),
            Findings::Nothing(unusable) => Lookup::Miss(Snapshot { unusable, ..snapshot }),
            Findings::DependsOnTags => Box::pin(self.examine_tags(snapshot, near)).await,
        }
    }

    /// [`EntryOp::conclude`] for an entry whose tags its reader does not know.
    async fn examine_tags<V: Decode>(
        &self,
        snapshot: Snapshot,
        near: Option<(NearAccess<'_>, &NearChanges)>,
    ) -> Lookup<V> {
        let Some(opened) = envelope::open(&self.key, &snapshot.bytes, V::limit(self.core.max_value)) else {
            return Lookup::Miss(snapshot);
        };
        match self.has_current_tags(&opened).await {
            Err(error) => return unavailable(snapshot.tick, error),
            Ok(false) => return Lookup::Miss(snapshot),
            Ok(true) => {}
        }
        match self.findings(&snapshot.bytes, near, |_| LabelCheck::Current) {
            Findings::Value(state, value) => sorted(state, value, snapshot),
            Findings::Nothing(unusable) => Lookup::Miss(Snapshot { unusable, ..snapshot }),
            Findings::DependsOnTags => Lookup::Miss(snapshot),
        }
    }

    /// Examines a stored entry, and makes a copy of it.
    #[inline]
    fn findings<V: Decode>(
        &self,
        bytes: &Bytes,
        near: Option<(NearAccess<'_>, &NearChanges)>,
        check: impl FnOnce(&Envelope<'_>) -> LabelCheck,
    ) -> Findings<V> {
        self.note_size(bytes.len());
        let Some(opened) = envelope::open(&self.key, bytes, V::limit(self.core.max_value)) else {
            return Findings::Nothing(self.foreign(bytes));
        };
        match check(&opened) {
            LabelCheck::Current => {}
            LabelCheck::Dropped => return Findings::Nothing(None),
            LabelCheck::Unknown => return Findings::DependsOnTags,
        }
        // A copy of an entry with other tags than are known would not end with them.
        let near = near.filter(|_| !self.policy.late_tags || self.remembers_tags(&opened));
        let times = times(&opened);
        let value = match self.value::<V>(&opened, bytes) {
            Ok(value) => value,
            Err(error) => return Findings::Nothing(error.map(|error| self.unusable(error))),
        };
        let now = LazyCell::new(|| self.core.clock.now_ms());
        let windows = value.as_ref().and_then(V::windows).unwrap_or_else(|| self.policy.windows());
        let verdict = verdict(times, || *now, windows, self.policy);
        if verdict == EntryState::Fresh
            && let Some((near, changes)) = near
        {
            near.fill(changes, &self.key, self.labels(), bytes, times.left(*now, self.policy));
        }
        Findings::Value(verdict, value)
    }

    #[inline]
    fn label_check(&self, opened: &Envelope<'_>, stamps: &CurrentStamps) -> LabelCheck {
        label_check(opened, self.labels(), stamps, self.knows_tags)
    }

    /// Returns whether the tags of an entry are those that are known, and else remembers them for the next call.
    fn remembers_tags(&self, opened: &Envelope<'_>) -> bool {
        if has_tags(opened, self.labels()) {
            return true;
        }
        let late = opened.tags.names().skip(self.own_tags().len());
        let late: Vec<Label> = late.map(|name| Label::tag(&self.core.prefix, name)).collect();
        self.core.late_tags.insert(self.key.as_str(), &late);
        false
    }

    /// Reads an entry that is likely to be large.
    pub(super) fn read_large(&self) -> BoxFuture<'_, Result<StoreRead, Error>> {
        Box::pin(async {
            let read = self.ask(pin!(self.core.store.read_large(&self.key, self.labels()))).await;
            read.inspect_err(|error| self.large_value_failed("read", None, error))
        })
    }

    /// The value of an envelope that passed the check of its labels.
    ///
    /// # Errors
    /// The value cannot be used; without a reason, because it has expired.
    fn value<V: Decode>(
        &self,
        opened: &Envelope<'_>,
        bytes: &Bytes,
    ) -> Result<Option<V>, Option<DecodeError>> {
        if self.core.clock.has_passed(opened.header.hard_ms) {
            return Err(None);
        }
        if opened.header.none && opened.is::<V>() {
            return Ok(None);
        }
        let memory = self.core.store.as_memory().filter(|_| V::IS_SHARED);
        if let Some(value) = memory.and_then(|memory| memory.typed_of(&self.key, bytes, V::of_shared)) {
            return Ok(Some(value));
        }
        let value = opened.decode::<V>(bytes).inspect_err(|_| {
            // Of another type, or damaged in a way that only the codec sees.
            self.core.unreadable.doubt(self.stored_type::<V>(opened.header.form));
        })?;
        if let (Some(memory), Some(shared)) = (memory, value.shared()) {
            memory.share(&self.key, bytes, shared);
        }
        Ok(Some(value))
    }

    /// The value of a copy in this process. The copy is coherent, so only its form is checked, when it is decoded.
    fn copied<V: Decode>(&self, tick: u64, near: NearAccess<'_>) -> Option<Hit<V>> {
        let (bytes, shared): (Bytes, Option<V>) = near.copied(&self.key, V::of_shared)?;
        let value = match shared {
            Some(value) => Some(value),
            None => self.open_copy(near, &bytes)?,
        };
        Some(Hit { value, snapshot: Snapshot { tick, bytes, tier: Tier::Local, ..Snapshot::default() } })
    }

    /// The value of a copy, which is decoded.
    fn open_copy<V: Decode>(&self, near: NearAccess<'_>, bytes: &Bytes) -> Option<Option<V>> {
        let opened = envelope::open(&self.key, bytes, V::limit(self.core.max_value))?;
        if opened.header.none && opened.is::<V>() {
            return Some(None);
        }
        let value: V = opened.decode(bytes).ok()?;
        if let Some(shared) = value.shared() {
            near.share(&self.key, bytes, shared);
        }
        Some(Some(value))
    }

    /// Returns whether the labels of a stored entry still have the stamps under which it was computed.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn check_labels(
        &self,
        opened: &Envelope<'_>,
        stamps: &CurrentStamps,
    ) -> Result<bool, Error> {
        match self.label_check(opened, stamps) {
            LabelCheck::Current => Ok(true),
            LabelCheck::Dropped => Ok(false),
            // Boxed, because it is rare and a lookup is not.
            LabelCheck::Unknown => self.has_current_tags(opened).await,
        }
    }

    /// Returns whether the tags of an entry, which its reader did not know, have the stamps that the entry was computed under. The
    /// stamps are read after the entry: a stamp never returns, so the entry was valid when it was read.
    fn has_current_tags<'a>(&'a self, opened: &'a Envelope<'_>) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.compare_tags(opened))
    }

    async fn compare_tags(&self, opened: &Envelope<'_>) -> Result<bool, Error> {
        let has_own = || {
            let own = self.own_tags().iter().map(Label::tag_name);
            opened.tags.names().take(self.own_tags().len()).eq(own)
        };
        if self.policy.late_tags && !has_own() {
            return Ok(false);
        }
        let tags: Vec<Label> = opened.tags.names().map(|name| Label::tag(&self.core.prefix, name)).collect();
        let labels = Labels { group: None, tags: &tags };
        if self.core.pending.holds(&self.key, labels, self.known_function()) {
            return Ok(false);
        }
        let stamps = self.ask(pin!(self.core.store.stamps(labels))).await?;
        let known = stamps.iter().map(|stamp| stamp.as_ref().map(|stamp| &stamp[..]));
        Ok(opened.tags.stamps().map(Some).eq(known))
    }
}

/// The lookup for a value with this verdict.
#[inline]
fn sorted<V: Decode>(verdict: EntryState, value: Option<V>, snapshot: Snapshot) -> Lookup<V> {
    match (verdict, value) {
        (EntryState::Miss, _) => Lookup::Miss(snapshot),
        (EntryState::Early, value) if value.as_ref().is_none_or(V::refreshes_ahead) => {
            Lookup::Early(Hit { value, snapshot })
        }
        (EntryState::Stale(stale), value) => Lookup::Stale(Hit { value, snapshot }, stale),
        (EntryState::Fresh | EntryState::Early, value) => Lookup::Fresh(Hit { value, snapshot }),
    }
}

/// The lookup for a store that did not answer.
fn unavailable<V>(tick: u64, error: Error) -> Lookup<V> {
    Lookup::Unavailable(Snapshot { tick, is_blind: true, ..Snapshot::default() }, error)
}

/// The error of a call that bypasses an entry with a pending invalidation.
pub(crate) fn pending() -> Error {
    Error::unavailable("an invalidation of the entry is pending")
}

/// The times of an opened entry.
pub(crate) fn times(opened: &Envelope<'_>) -> EntryTimes {
    let header = opened.header;
    EntryTimes { created_ms: header.created_ms, soft_ms: header.soft_ms, hard_ms: header.hard_ms }
}
