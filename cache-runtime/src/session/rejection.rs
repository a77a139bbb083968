//! The rejection of a request whose session is not known.

use std::error::Error as StdError;
use std::fmt;

use ::axum::http::StatusCode;
use ::axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use ::axum::response::{IntoResponse, Response};

use crate::types::error::Error;

/// The rejection of a request whose session is not known.
///
/// As a response it is `503` without a cookie: an answer as to an anonymous client would sign users out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionRejection {
    /// There is no [`SessionLayer`](super::SessionLayer) around the handler: `500`.
    NoLayer,
    /// Redis could not be asked: `503` with `Retry-After`.
    Unavailable(Error),
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoLayer => (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response(),
            Self::Unavailable(_) => {
                let headers = [(RETRY_AFTER, "1"), (CACHE_CONTROL, "no-store")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "the session cannot be loaded now").into_response()
            }
        }
    }
}

impl fmt::Display for SessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLayer => f.write_str(
                "a handler takes a `Session` without a layer; write `.layer(SessionLayer::new(&cache))` around its router",
            ),
            Self::Unavailable(error) => write!(f, "the session cannot be loaded now: {error}"),
        }
    }
}

impl StdError for SessionRejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoLayer => None,
            Self::Unavailable(error) => Some(error),
        }
    }
}
