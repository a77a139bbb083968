//! The error of stored bytes that hold no value of the wanted type.

use std::fmt;

/// The reason why stored bytes hold no value of the wanted type, as the codec gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(String);

impl DecodeError {
    /// An error with this reason.
    #[cold]
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }

    /// The error of bytes after the value.
    #[cfg(any(feature = "msgpack", feature = "postcard"))]
    #[cold]
    pub(super) fn trailing(count: usize) -> Self {
        Self(format!("{count} bytes after the value"))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
