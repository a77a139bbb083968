//! The error of an argument that cannot be encoded.

use std::fmt::{self, Display};

use serde::ser;

/// The error of a value whose `Serialize` fails.
#[derive(Debug)]
pub(super) struct EncodeError(pub(super) String);

impl Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}

impl ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
