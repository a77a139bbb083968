//! The near cache: copies of entries of Redis in this process, invalidated by notifications.
//!
//! A copy is served only while notifications arrive. When their connection is lost, all copies are dropped at once, since
//! changes in the meantime are never notified. A copy is stored only if its key and labels have not changed since before
//! the entry was read: a notification may overtake the reply to a read. The public name is "local tier".

mod change_counts;
mod copies;
mod held_stamps;
mod local_tier;
mod near_cache;

pub use self::local_tier::LocalTier;
#[cfg(feature = "revoke")]
pub(crate) use self::near_cache::KeyMark;
pub(crate) use self::{
    held_stamps::HeldTags,
    near_cache::{NearAccess, NearCache, NearChanges},
};
