//! The seam between the engine and the places where entries live.
//!
//! A tier stores bytes under keys; it knows nothing of user types, codecs or policies. There are two:
//! [`memory`] and [`redis`].

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::types::stamp::CurrentStamps;

use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};

mod any;
#[cfg(feature = "test-util")]
pub(crate) mod chaos;
mod lease;

#[cfg(feature = "redis")]
pub(crate) mod local;
pub(crate) mod memory;
mod near;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod watched;

pub(crate) use self::{
    any::AnyStore,
    lease::{Claim, LEASE, LeaseMode, Leased, Token},
    near::Near,
    watched::Watched,
};

/// The tier of a cache, with a switch where tests may have one.
#[cfg(feature = "test-util")]
pub(crate) type CacheStore = chaos::ChaosStore;
/// The tier of a cache.
#[cfg(not(feature = "test-util"))]
pub(crate) type CacheStore = AnyStore;

/// What one read found.
#[derive(Debug, Default, Clone)]
pub(crate) struct StoreRead {
    /// The stored envelope, unchecked.
    pub(crate) bytes: Option<Bytes>,
    /// The stamps of the labels at the same moment.
    pub(crate) marks: CurrentStamps,
}

/// How long a key has to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ttl {
    /// There is no such key.
    Absent,
    /// It stays until it is removed.
    Forever,
    /// It expires after this time.
    For(Duration),
}

/// One page of a walk over keys.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Whole keys, prefix included, as in Redis. A key may appear on several pages.
    pub(crate) keys: Vec<String>,
    /// Where to go on; `None` when the walk is complete.
    pub(crate) next: Option<u64>,
}

/// A place where entries live. Every method is bounded in time and fails with an [`Error`] rather than hang.
pub(crate) trait Store {
    /// The entry and the stamps of the labels: one round trip.
    fn read(&self, key: &Key, labels: Labels<'_>) -> impl Future<Output = Result<StoreRead, Error>> + Send;

    /// The stamps of labels as they are.
    fn marks(&self, labels: Labels<'_>) -> impl Future<Output = Result<CurrentStamps, Error>> + Send;

    /// MoveToBackground the right to store a value under `key`, or says why not. `seen` is the head of what the caller found
    /// there.
    fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> impl Future<Output = Result<Leased, Error>> + Send;

    /// Holds a lease for longer; answers whether it is still there.
    fn renew(&self, key: &Key, token: &Token) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Gives a lease back, if it is still there. What was stored before stays, and is left alone by everybody for as long
    /// as `pause` says.
    fn release(
        &self,
        key: &Key,
        token: &Token,
        pause: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Stores `envelope` for `life` (`None`: until removed), if the claim is still good; answers whether it was.
    fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Puts `envelope` in the place of one whose head is `seen`, for the life that this one has left; answers whether it
    /// was still there.
    fn replace(
        &self,
        key: &Key,
        seen: &[u8],
        envelope: Bytes,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes the entry, and any lease with it; answers whether there was anything.
    fn delete(&self, key: &Key) -> impl Future<Output = Result<bool, Error>> + Send;

    /// How long the entry has to live, and whether it has tags; a lease is no entry.
    fn life(&self, key: &Key) -> impl Future<Output = Result<(Ttl, bool), Error>> + Send;

    /// Gives each label a new stamp, so that nothing stored under the old ones can be read any more: O(1) each.
    fn restamp(&self, labels: &[Label]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Frees the memory of entries of the group that do not have its current stamp, in small batches.
    fn reclaim(&self, group: &Label) -> impl Future<Output = Result<u64, Error>> + Send;

    /// One page of the keys that match `pattern`, a glob over whole keys.
    fn scan(&self, pattern: &str, cursor: u64) -> impl Future<Output = Result<Page, Error>> + Send;

    /// A sign of life: how long it took.
    fn ping(&self) -> impl Future<Output = Result<Duration, Error>> + Send;

    /// Removes the keys of one page. With `ours_only`, only those whose value is an envelope of this library.
    /// ValueRules how many were removed.
    fn delete_page(
        &self,
        keys: &[String],
        ours_only: bool,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}
