//! Late tags: tags that are known once a value is computed. One entry and one tag that is not among the labels of its lease.
//!
//! A computation notes the counter of the prefix before it begins. Each invalidation of a tag increments the counter, then
//! gives the tag a new stamp with the counter's number. A value is stored under the stamp that its tag has after the computation,
//! unless the tag, or the counter for a tag without a number, is above what was noted.
//!
//! On one server the steps of an invalidation are one script, and so are those that note the stamp of a late tag. On a cluster
//! counter, tag and entry are in three slots, and each step is a command of its own.

mod explore;
mod moves;
mod state;
mod worlds;

pub use self::explore::explore;
pub use self::worlds::{LateWorld, late_worlds};
