//! The result of the lookup in this process.

use std::fmt;
use std::sync::Arc;

use super::call::Call;

/// The result of [`Call::find`].
pub enum Found<V> {
    /// The value was in this process.
    Local(V),
    /// The call has to ask the store.
    Remote(Arc<Call>),
}

impl<V> fmt::Debug for Found<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Remote(_) => "Remote",
        })
    }
}
