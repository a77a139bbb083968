//! The errors of bodies.

use std::error::Error;
use std::fmt;

/// The error of a [`CacheBody`](super::CacheBody): the service's own, or [`IncompleteBody`].
pub(super) type BodyError = Box<dyn Error + Send + Sync>;

/// The error of a body that ended before it was complete: the service's body panicked while it was collected, the task that
/// collected it was stopped, or the body is shorter than its `Content-Length`.
///
/// The server aborts the connection or resets the stream, so that no client takes the part for the whole. The error is the
/// `source` of the error that a layer above sees, or that error itself:
///
/// ```
/// # use larder_runtime as larder;
/// # fn main() {
/// use larder::http::IncompleteBody;
///
/// fn is_incomplete(error: &(dyn std::error::Error + 'static)) -> bool {
///     error.is::<IncompleteBody>() || error.source().is_some_and(is_incomplete)
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompleteBody;

impl fmt::Display for IncompleteBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the response ended before it was complete")
    }
}

impl Error for IncompleteBody {}
