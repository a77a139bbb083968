//! The key of an entry.

/// The address of one entry: its whole text, as in Redis, and the length of the part that names the group.
///
/// `prefix:name:hash`, `prefix:user:42`, and inside a group `prefix:{group}:rest`. The text up to and including `}` is the
/// key of the group's stamp, so both are in one cluster slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    text: String,
    group_end: u32,
    prefix_len: u16,
}

impl Key {
    /// Creates a key from its whole text; `group_end` is the length of the group's own key, 0 without a group. The builder
    /// bounds prefixes, and keys are bounded.
    pub(crate) fn new(text: String, group_end: usize, prefix_len: usize) -> Self {
        debug_assert!(group_end.max(prefix_len) <= text.len() && prefix_len <= usize::from(u16::MAX));
        Self { text, group_end: group_end as u32, prefix_len: prefix_len as u16 }
    }

    /// Returns the key with this suffix, in the same group.
    #[cfg(feature = "http")]
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self { text: [&self.text, suffix].concat(), ..*self }
    }

    /// Returns the whole text, as in Redis.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the key of the group's stamp.
    pub(crate) fn group(&self) -> Option<&str> {
        (self.group_end > 0).then(|| &self.text[..self.group_end as usize])
    }

    /// Returns the length of the prefix of the cache: `a:` and the key `b:1` make the same text as `a:b:` and `1`.
    #[inline]
    pub(crate) fn prefix_len(&self) -> u16 {
        self.prefix_len
    }
}
