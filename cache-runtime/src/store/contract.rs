//! The contract of every store.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::dropped_groups::DroppedGroups;
use super::lease::{FillCondition, LeaseMode, Leased, Token};
use super::page::{Cursor, FunctionKeys, KeyPage};
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::{CurrentStamps, Stamps};
use crate::types::tag_count::TagCount;

/// The size of an envelope, in bytes, above which it is large.
pub(crate) const LARGE: usize = 256 << 10;

/// The result of a read.
#[derive(Debug, Default, Clone)]
pub(crate) struct StoreRead {
    /// The stored envelope, unchecked.
    pub(crate) bytes: Option<Bytes>,
    /// The stamps of the labels at the time of the read.
    pub(crate) stamps: CurrentStamps,
}

/// The remaining time to live of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ttl {
    /// The key does not exist.
    Absent,
    /// The key has no expiry.
    Forever,
    /// The key expires after this time.
    For(Duration),
}

/// The result of the removal of several entries.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// The number of entries and leases that were removed.
    pub(crate) count: u64,
    /// The first failure, and the positions of the keys that are left because of failures: on a cluster, nodes fail by
    /// themselves.
    pub(crate) failure: Option<(Error, Vec<usize>)>,
    /// [`Error::NotConfirmed`] if too few replicas acknowledged a removal.
    pub(crate) not_confirmed: Option<Error>,
}

/// A store of entries. Every method is bounded in time: it fails with an [`Error`] rather than hang.
pub(crate) trait Store {
    /// Returns the entry and the current stamps of the labels, in one round trip.
    fn read(&self, key: &Key, labels: Labels<'_>) -> impl Future<Output = Result<StoreRead, Error>> + Send;

    /// [`Store::read`] of an entry that is likely to be larger than [`LARGE`], so that others must not wait for it.
    fn read_large(
        &self,
        key: &Key,
        labels: Labels<'_>,
    ) -> impl Future<Output = Result<StoreRead, Error>> + Send {
        self.read(key, labels)
    }

    /// Returns several entries with the current stamps of their labels. Each fails by itself, because nodes do. Their bytes may share
    /// memory: who keeps those of one copies them.
    ///
    /// # Errors
    /// None of them could be read.
    fn read_many(
        &self,
        entries: &[(&Key, Labels<'_>)],
    ) -> impl Future<Output = Result<Vec<Result<StoreRead, Error>>, Error>> + Send;

    /// Returns the current stamps of labels.
    fn stamps(&self, labels: Labels<'_>) -> impl Future<Output = Result<CurrentStamps, Error>> + Send;

    /// Takes the lease on `key`, or returns why it is refused. `seen` is the head of the envelope that the caller read.
    fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> impl Future<Output = Result<Leased, Error>> + Send;

    /// Extends a lease; returns `false` if it is not held any more.
    fn extend(&self, key: &Key, token: &Token) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Releases a lease that is still held. The entry under it stays, and is not refreshed by any process for `pause`. Where
    /// there is none, no process waits for another one for as long.
    fn release(
        &self,
        key: &Key,
        token: &Token,
        pause: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Stores `envelope` for `ttl` (`None`: without expiry) if the claim is still valid; returns `false` if it is not.
    fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        ttl: Option<Duration>,
        claim: FillCondition<'_>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Replaces the envelope whose head is `seen` and keeps its TTL; returns `false` if that envelope is gone.
    fn replace(
        &self,
        key: &Key,
        seen: &[u8],
        envelope: Bytes,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes the entry and any lease on it; returns `false` if there was neither.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the key holds something else.
    fn delete(&self, key: &Key) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Returns the TTL of the entry, and `true` if it has tags that are still to be compared. A lease is not an entry.
    fn ttl(&self, key: &Key) -> impl Future<Output = Result<(Ttl, bool), Error>> + Send;

    /// Gives a label that has a stamp a new one, which invalidates all entries stored under the old one: O(1). Returns `false`
    /// if the label has no stamp, so that there are no entries under it. The invalidation of a tag is counted first.
    fn restamp(&self, label: &Label) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Returns the count of tag invalidations under `prefix`. Where there is none, counting begins here.
    fn tag_count(&self, prefix: &str) -> impl Future<Output = Result<TagCount, Error>> + Send;

    /// Returns the stamps of tags for an entry that is about to be stored, and whose tags were not known at its lease; missing
    /// ones are created. `None` if one of the tags may have been invalidated since the count was `noted`, before the computation.
    fn late_stamps(
        &self,
        prefix: &str,
        tags: &[Label],
        noted: TagCount,
    ) -> impl Future<Output = Result<Option<Stamps>, Error>> + Send;

    /// Frees the memory of entries of `groups` that do not have the current stamps: one step of a walk over the groups under
    /// `prefix`. Returns the position of the next step.
    fn reclaim(
        &self,
        prefix: &str,
        cursor: Cursor,
        groups: &DroppedGroups,
    ) -> impl Future<Output = Result<Option<Cursor>, Error>> + Send;

    /// Returns one page of the keys that match `pattern`, a glob over whole keys. Some may hold what is not larder's. A scan
    /// during which keys moved between the nodes of a cluster begins again, and lists keys a second time.
    ///
    /// # Errors
    /// [`Error::KeysMoved`] if that happens too often.
    fn scan(&self, pattern: &str, cursor: Cursor) -> impl Future<Output = Result<KeyPage, Error>> + Send;

    /// Returns the time that the store takes to answer.
    fn ping(&self) -> impl Future<Output = Result<Duration, Error>> + Send;

    /// Returns those of the keys of one page that hold entries or leases of the prefix with this length.
    fn own(
        &self,
        keys: Vec<String>,
        prefix_len: usize,
    ) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// Returns those of the keys of one page that hold entries of these functions under the prefix with this length, and those that
    /// hold leases without an entry, which do not tell their function.
    fn of_function(
        &self,
        keys: Vec<String>,
        prefix_len: usize,
        function: &FunctionFilter,
    ) -> impl Future<Output = Result<FunctionKeys, Error>> + Send;

    /// Removes entries and leases of the prefix with this length under the keys of one page. Everything else stays. Keys that
    /// are `named`, in place of found by a pattern, also lose entries of versions that do not tell their prefix.
    ///
    /// # Errors
    /// No key could be looked at.
    fn delete_page(
        &self,
        keys: &[String],
        prefix_len: usize,
        named: bool,
    ) -> impl Future<Output = Result<Removed, Error>> + Send;
}

/// Calls a macro with the step, as errors name it, and the signature of each method of [`Store`] that stores in front of
/// other stores only forward. `read` and `fill` are not among them.
macro_rules! forward_store_methods {
    ($forward:ident) => {
        $forward!(
            "read",
            read_many(entries: &[(&Key, Labels<'_>)]) -> Vec<Result<StoreRead, Error>>
        );
        $forward!("read", stamps(labels: Labels<'_>) -> CurrentStamps);
        $forward!(
            "lease",
            lease(key: &Key, labels: Labels<'_>, token: &Token, mode: LeaseMode, seen: &[u8]) -> Leased
        );
        $forward!("extend", extend(key: &Key, token: &Token) -> bool);
        $forward!("release", release(key: &Key, token: &Token, pause: Duration) -> ());
        $forward!("expire", replace(key: &Key, seen: &[u8], envelope: Bytes) -> bool);
        $forward!("delete", delete(key: &Key) -> bool);
        $forward!("ttl", ttl(key: &Key) -> (Ttl, bool));
        $forward!("restamp", restamp(label: &Label) -> bool);
        $forward!("lease", tag_count(prefix: &str) -> TagCount);
        $forward!("fill", late_stamps(prefix: &str, tags: &[Label], noted: TagCount) -> Option<Stamps>);
        $forward!(
            "reclaim",
            reclaim(prefix: &str, cursor: Cursor, groups: &DroppedGroups) -> Option<Cursor>
        );
        $forward!("scan", scan(pattern: &str, cursor: Cursor) -> KeyPage);
        $forward!("ping", ping() -> Duration);
        $forward!("scan", own(keys: Vec<String>, prefix_len: usize) -> Vec<String>);
        $forward!(
            "scan",
            of_function(keys: Vec<String>, prefix_len: usize, function: &FunctionFilter) -> FunctionKeys
        );
        $forward!("delete", delete_page(keys: &[String], prefix_len: usize, named: bool) -> Removed);
    };
}
pub(super) use forward_store_methods;
