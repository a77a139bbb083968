//! What the handle can do, and the handle of one entry.

mod blocking;
mod entry;
mod groups;
mod info;
mod keys;
mod values;

pub(crate) use self::entry::Target;
pub use self::{
    blocking::{BlockingCache, BlockingEntry},
    entry::Entry,
    info::{Breaker, EntryInfo, Health},
    keys::Keys,
};
