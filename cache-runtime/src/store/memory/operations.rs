//! The operations of the memory store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::entry::MemoryEntry;
use super::leases::KeyLeases;
use super::store::MemoryStore;
use crate::codec::envelope;
use crate::store::contract::{Removed, Store, StoreRead, Ttl};
use crate::store::dropped_groups::DroppedGroups;
use crate::store::lease::{FillCondition, LeaseMode, Leased, Token};
use crate::store::page::{Cursor, FunctionKeys, KeyPage};
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::{CurrentStamps, Stamps};
use crate::types::tag_count::TagCount;

/// The number of entries that a walk visits before others have a turn.
const WALK: usize = 1024;

impl Store for MemoryStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        let stamps = self.label_stamps.current(labels);
        Ok(StoreRead { bytes: self.bytes(key), stamps })
    }

    async fn read_many(
        &self,
        entries: &[(&Key, Labels<'_>)],
    ) -> Result<Vec<Result<StoreRead, Error>>, Error> {
        let read = |(key, labels): &(&Key, Labels<'_>)| {
            let stamps = self.label_stamps.current(*labels);
            Ok(StoreRead { bytes: self.bytes(key), stamps })
        };
        Ok(entries.iter().map(read).collect())
    }

    async fn stamps(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        Ok(self.label_stamps.current(labels))
    }

    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        let mut leases = self.leases.lock(key.as_str());
        let has_changed = match self.bytes(key) {
            Some(bytes) => envelope::head(&bytes) != seen,
            None => mode == LeaseMode::Refresh,
        };
        match mode {
            LeaseMode::Miss | LeaseMode::MissUncached(_) | LeaseMode::Refresh if has_changed => {
                return Ok(Leased::Changed);
            }
            LeaseMode::Put => drop(self.discard(key.as_str())),
            LeaseMode::Write => {
                leases.entry(key.as_str().into()).or_default().write = Some(*token);
                return Ok(Leased::Granted(self.label_stamps.current_or_new(labels)));
            }
            LeaseMode::Miss | LeaseMode::MissUncached(_) | LeaseMode::Refresh | LeaseMode::Force => {}
        }
        // Flights admit one computation at a time, so that a second request means that the first was given up.
        leases.insert(key.as_str().into(), KeyLeases { reader: Some(*token), write: None });
        Ok(Leased::Granted(self.label_stamps.current_or_new(labels)))
    }

    async fn extend(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        Ok(self.leases.lock(key.as_str()).get(key.as_str()).is_some_and(|held| held.are_held_by(token)))
    }

    async fn release(&self, key: &Key, token: &Token, _: Duration) -> Result<(), Error> {
        self.release_lease(key, token);
        Ok(())
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        ttl: Option<Duration>,
        claim: FillCondition<'_>,
    ) -> Result<bool, Error> {
        let text = key.as_str();
        let mut leases = self.leases.lock(text);
        let held = leases.get(text).copied().unwrap_or_default();
        if claim.token.is_some_and(|token| !held.are_held_by(token)) {
            return Ok(false);
        }
        leases.remove(text);
        if claim.keeps_write && held.write.is_some() {
            leases.insert(text.into(), KeyLeases { reader: None, ..held });
        }
        let Some(stamps) = self.label_stamps.matching(labels, claim.stamps) else { return Ok(false) };
        self.insert(text.to_owned(), MemoryEntry::new(envelope, ttl, stamps, &self.clock)).map(|()| true)
    }

    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        let mut leases = self.leases.lock(key.as_str());
        let Some(old) = self.live(key.as_str()).filter(|old| envelope::head(&old.bytes()) == seen) else {
            return Ok(false);
        };
        leases.remove(key.as_str());
        self.insert(key.as_str().to_owned(), old.replaced_by(envelope)).map(|()| true)
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.remove(key.as_str()))
    }

    async fn ttl(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        // An entry whose labels were restamped is not live, so that there are no tags left to compare.
        Ok((self.live(key.as_str()).map_or(Ttl::Absent, |entry| entry.ttl()), false))
    }

    async fn restamp(&self, label: &Label) -> Result<bool, Error> {
        Ok(self.drop_label(label))
    }

    async fn tag_count(&self, _: &str) -> Result<TagCount, Error> {
        Ok(TagCount { number: self.label_stamps.count(), epoch: [0; 8] })
    }

    async fn late_stamps(&self, _: &str, tags: &[Label], noted: TagCount) -> Result<Option<Stamps>, Error> {
        Ok(self.label_stamps.late(tags, noted.number))
    }

    async fn reclaim(&self, _: &str, _: Cursor, _: &DroppedGroups) -> Result<Option<Cursor>, Error> {
        // The group may be dropped again, and its keys stored again, during this walk: the state at the moment of removal
        // decides. Entries that have expired go as well.
        let is_stale = |entry: &Arc<MemoryEntry>| !entry.is_live();
        for (index, (key, entry)) in self.entries.iter().enumerate() {
            if is_stale(&entry)
                && let Some((_, entry)) = self.entries.remove_if(key.as_str(), is_stale)
            {
                self.arg_index.remove(&entry);
            }
            if index % WALK == WALK - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(None)
    }

    async fn scan(&self, pattern: &str, _: Cursor) -> Result<KeyPage, Error> {
        Ok(KeyPage { keys: self.keys_matching(pattern), next: None })
    }

    async fn ping(&self) -> Result<Duration, Error> {
        Ok(Duration::ZERO)
    }

    async fn own(&self, keys: Vec<String>, _: usize) -> Result<Vec<String>, Error> {
        Ok(keys)
    }

    async fn of_function(
        &self,
        keys: Vec<String>,
        _: usize,
        function: &FunctionFilter,
    ) -> Result<FunctionKeys, Error> {
        let mut found = FunctionKeys::default();
        for key in keys {
            match self.entries.peek(key.as_str()) {
                Some(entry) => {
                    let is_own = envelope::parse(&entry.bytes())
                        .is_some_and(|opened| function.includes(opened.function(), opened.identity()));
                    found.entries.extend(is_own.then_some(key));
                }
                None => found.leases.push(key),
            }
        }
        Ok(found)
    }

    async fn delete_page(&self, keys: &[String], _: usize, _: bool) -> Result<Removed, Error> {
        // Every entry here was stored by larder.
        let count = keys.iter().filter(|key| self.remove(key)).count() as u64;
        Ok(Removed { count, ..Removed::default() })
    }
}
