//! The seam between the engine and the places where entries live.
//!
//! A tier stores bytes under keys; it knows nothing of user types, codecs or policies. There are two:
//! [`memory`] and [`redis`].

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::{
    error::Error,
    key::{GroupKey, Key},
};

mod any;

#[cfg(feature = "memory")]
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;

pub(crate) use self::any::AnyTier;

/// The random mark of a group. An entry is valid only while its group still has the stamp that the entry
/// was computed under; replacing the stamp therefore drops the whole group in one step.
pub(crate) type Stamp = [u8; 16];

/// What one read found.
#[derive(Debug, Default, Clone)]
pub(crate) struct Found {
    /// The stored envelope, unchecked.
    pub(crate) bytes: Option<Bytes>,
    /// The current stamp of the key's group; `None` without a group or when the group has none yet.
    pub(crate) stamp: Option<Stamp>,
}

/// How long a key has to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
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
pub(crate) trait Tier {
    /// The entry and, for a key in a group, the group's stamp: one round trip.
    fn read(&self, key: &Key) -> impl Future<Output = Result<Found, Error>> + Send;

    /// The stamp of the group, created if it has none.
    fn stamp(&self, group: &GroupKey) -> impl Future<Output = Result<Stamp, Error>> + Send;

    /// Stores `envelope` for `life` (`None`: until removed). With a stamp, only if the key's group still has it;
    /// answers whether it was stored.
    fn fill(
        &self,
        key: &Key,
        envelope: Bytes,
        life: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Removes the entry; answers whether there was one.
    fn delete(&self, key: &Key) -> impl Future<Output = Result<bool, Error>> + Send;

    /// How long the key has to live.
    fn life(&self, key: &Key) -> impl Future<Output = Result<Life, Error>> + Send;

    /// Gives the group a new stamp, so that nothing stored under the old one can be read any more: O(1).
    fn restamp(&self, group: &GroupKey) -> impl Future<Output = Result<(), Error>> + Send;

    /// Frees the memory of entries of the group that do not have its current stamp, in small batches.
    fn reclaim(&self, group: &GroupKey) -> impl Future<Output = Result<u64, Error>> + Send;

    /// One page of the keys that match `pattern`, a glob over whole keys.
    fn scan(&self, pattern: &str, cursor: u64) -> impl Future<Output = Result<Page, Error>> + Send;

    /// A sign of life: how long it took.
    fn ping(&self) -> impl Future<Output = Result<Duration, Error>> + Send;

    /// Removes the keys of one page. With `ours_only`, only those whose value is an envelope of this library.
    /// Answers how many were removed.
    fn delete_page(
        &self,
        keys: &[String],
        ours_only: bool,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}
