//! Plain types: keys, TTLs, times, errors. They import nothing else of this crate.

pub(crate) mod breaker;
pub(crate) mod clock;
pub(crate) mod denial;
pub(crate) mod duration;
pub(crate) mod error;
pub(crate) mod expire;
pub(crate) mod function_filter;
pub(crate) mod function_name;
pub(crate) mod key;
#[cfg(feature = "http")]
pub(crate) mod max_age;
pub(crate) mod milliseconds;
pub(crate) mod node_health;
pub(crate) mod spelling;
pub(crate) mod stamp;
pub(crate) mod tag_count;
pub(crate) mod windows;
