//! Keys: how arguments become text that a person can read in redis-cli and that never collides.

mod encode;
mod escape;
mod glob;
mod label;

pub(crate) use self::encode::KeyEncoder;
pub(crate) use self::{
    encode::{hex, salt},
    escape::escape_value,
    glob::{escape_glob, glob_match},
    label::{Label, Labels},
};

/// The address of one entry: its whole text, as in Redis, and how much of it names the group.
///
/// `prefix:name:hash`, `prefix:user:42`, and inside a group `prefix:{group}:rest`. The text up to and
/// including `}` is the key of the group's stamp, so both live in one cluster slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    text: String,
    group_end: usize,
}

impl Key {
    /// A key from its whole text; `group_end` is the length of the group's own key, 0 without a group.
    pub(crate) fn new(text: String, group_end: usize) -> Self {
        debug_assert!(group_end <= text.len());
        Self { text, group_end }
    }

    /// The key of what is kept beside this entry, in the same group.
    #[cfg(feature = "http")]
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        Self { text: [&self.text, suffix].concat(), group_end: self.group_end }
    }

    /// The whole text, as in Redis.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The key of the group's stamp.
    pub(crate) fn group(&self) -> Option<&str> {
        (self.group_end > 0).then(|| &self.text[..self.group_end])
    }
}
