//! Lookup: what a call finds in the store, and what may be done with it.

use bytes::Bytes;

use super::decide::{EntryTimes, LabelCheck, Stale, Verdict, standing, verdict};
use super::flight::Sight;
use crate::codec::Decode;
use crate::codec::envelope::{self, Opened};
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::store::{Store, StoreRead, Token};
use crate::types::error::Error;
use crate::types::key::{Label, Labels};
use crate::types::stamp::CurrentStamps;

/// What a look into the store found.
pub(crate) enum Lookup<V> {
    /// What may be served.
    Fresh(Hit<V>),
    /// What may be served, while a new value is computed apart.
    Early(Hit<V>),
    /// What may be served under conditions.
    Stale(Hit<V>, Stale),
    /// Nothing to serve.
    Miss(Snapshot),
    /// The store did not answer, or holds what is known to be old.
    Unavailable(Snapshot, Error),
}

/// A result that is stored.
pub(crate) struct Hit<V> {
    /// `None` is a `None` that was kept.
    pub(crate) value: Option<V>,
    pub(crate) snapshot: Snapshot,
}

/// What was found, as it was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// When the call began, by the ticks of the key's flights.
    pub(crate) tick: u64,
    /// The store did not answer.
    pub(crate) is_blind: bool,
    /// The whole value, ours or not; empty when there was none.
    pub(crate) bytes: Bytes,
    /// The stamps of the labels at the same moment.
    pub(crate) marks: CurrentStamps,
}

impl Snapshot {
    /// As much as tells it from another value.
    pub(crate) fn head(&self) -> &[u8] {
        envelope::head(&self.bytes)
    }

    /// What a flight is to know of it.
    pub(crate) fn sight(&self) -> Sight<'_> {
        Sight {
            tick: self.tick,
            is_blind: self.is_blind,
            holder: envelope::holder(&self.bytes).map(Token),
            marks: &self.marks,
        }
    }
}

impl EntryOp<'_> {
    /// The labels of the entry, as far as the caller knows them.
    pub(crate) fn labels(&self) -> Labels<'_> {
        Labels { group: self.key.group(), tags: &self.tags }
    }

    /// Reads the entry.
    pub(crate) async fn lookup<V: Decode>(&self) -> Lookup<V> {
        let tick = self.core.flights.tick(self.key.as_str());
        if self.core.pending.holds(&self.key, self.labels()) {
            return Lookup::Unavailable(Snapshot { tick, ..Snapshot::default() }, pending());
        }
        // The handle has no life for copies, and does not know the tags of what it reads.
        let near =
            if self.knows_tags { self.core.near.access(&self.core.store, self.policy.local) } else { None };
        if let Some(near) = near
            && let Some(bytes) = near.bytes(&self.key)
            && let Some(hit) = self.copied(tick, bytes)
        {
            count(&self.counters.local_hits);
            return Lookup::Fresh(hit);
        }
        let changes = near.map(|near| near.changes(&self.key, self.labels()));
        let StoreRead { bytes, stamps: marks } = match self.core.store.read(&self.key, self.labels()).await {
            Ok(found) => found,
            Err(error) => {
                self.store_error(&error);
                return Lookup::Unavailable(Snapshot { tick, is_blind: true, ..Snapshot::default() }, error);
            }
        };
        self.core.outage.answered();
        let Some(bytes) = bytes else { return Lookup::Miss(Snapshot { tick, marks, ..Snapshot::default() }) };
        let Some(opened) = envelope::open(&self.key, &bytes, V::limit(self.core.max_value)) else {
            if !envelope::is_vacant(&bytes) {
                count(&self.counters.unusable);
            }
            return Lookup::Miss(Snapshot { tick, is_blind: false, bytes, marks });
        };
        match standing(&opened, self.labels(), &marks, self.knows_tags) {
            LabelCheck::Current => {}
            LabelCheck::Dropped => return Lookup::Miss(Snapshot { tick, is_blind: false, bytes, marks }),
            // Boxed, because it is rare and a look is not.
            LabelCheck::Unknown => match Box::pin(self.has_current_tags(&opened)).await {
                Ok(true) => {}
                Ok(false) => return Lookup::Miss(Snapshot { tick, is_blind: false, bytes, marks }),
                Err(error) => {
                    self.store_error(&error);
                    return Lookup::Unavailable(
                        Snapshot { tick, is_blind: true, ..Snapshot::default() },
                        error,
                    );
                }
            },
        }
        let times = times(&opened);
        let now = self.core.clock.now_ms();
        if self.core.clock.has_passed(times.hard_ms) {
            return Lookup::Miss(Snapshot { tick, is_blind: false, bytes, marks });
        }
        let value = if opened.meta.none && opened.is::<V>() {
            Some(None)
        } else {
            opened.decode::<V>(&bytes).map(Some)
        };
        let Some(value) = value else {
            // Of another type, or damaged in a way that only its codec sees: to be replaced.
            count(&self.counters.unusable);
            return Lookup::Miss(Snapshot { tick, is_blind: false, bytes, marks });
        };
        let own = value.as_ref().and_then(V::windows);
        let windows = own.unwrap_or_else(|| self.policy.windows());
        let verdict = verdict(times, now, windows, &self.policy);
        if verdict == Verdict::Fresh
            && let (Some(near), Some(changes)) = (near, changes)
        {
            near.fill(changes, &self.key, self.labels(), &bytes, times.left(now, &self.policy));
        }
        let hit = Hit { value, snapshot: Snapshot { tick, is_blind: false, bytes, marks } };
        match verdict {
            Verdict::Early if hit.value.as_ref().is_none_or(V::renews) => Lookup::Early(hit),
            Verdict::Stale(stale) => Lookup::Stale(hit, stale),
            Verdict::Fresh | Verdict::Early => Lookup::Fresh(hit),
            Verdict::Miss => Lookup::Miss(hit.snapshot),
        }
    }

    /// What a copy in this process holds: it is coherent, so only its form is looked at.
    fn copied<V: Decode>(&self, tick: u64, bytes: Bytes) -> Option<Hit<V>> {
        let opened = envelope::open(&self.key, &bytes, V::limit(self.core.max_value))?;
        let value = if opened.meta.none && opened.is::<V>() { None } else { Some(opened.decode(&bytes)?) };
        Some(Hit { value, snapshot: Snapshot { tick, bytes, ..Snapshot::default() } })
    }

    /// Whether what is stored as `bytes` may still be read, by who does not care for its value.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn is_current(&self, opened: &Opened<'_>, marks: &CurrentStamps) -> Result<bool, Error> {
        match standing(opened, self.labels(), marks, self.knows_tags) {
            LabelCheck::Current => Ok(true),
            LabelCheck::Dropped => Ok(false),
            LabelCheck::Unknown => self.has_current_tags(opened).await,
        }
    }

    /// Whether the tags of an entry, which its reader did not know, have the stamps that it was computed under. They are
    /// read after the entry: stamps never come back, so the entry was valid when it was read.
    async fn has_current_tags(&self, opened: &Opened<'_>) -> Result<bool, Error> {
        let tags: Vec<Label> = opened.tags.names().map(|name| Label::tag(&self.core.prefix, name)).collect();
        let labels = Labels { group: None, tags: &tags };
        if self.core.pending.holds(&self.key, labels) {
            return Ok(false);
        }
        let marks = self.core.store.stamps(labels).await?;
        let known = marks.iter().map(|mark| mark.as_ref().map(|stamp| &stamp[..]));
        Ok(opened.tags.stamps().map(Some).eq(known))
    }
}

/// Why an entry is not read that an invalidation is due for.
pub(crate) fn pending() -> Error {
    Error::Unavailable { message: "an invalidation of it is still to be carried out".to_owned() }
}

/// When an entry was made, becomes stale, and goes.
pub(crate) fn times(opened: &Opened<'_>) -> EntryTimes {
    let meta = opened.meta;
    EntryTimes { created_ms: meta.created_ms, soft_ms: meta.soft_ms, hard_ms: meta.hard_ms }
}
