//! A refusal as a response.

use ::axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use ::axum::http::{HeaderName, StatusCode};
use ::axum::response::{IntoResponse, Response};

use super::refused::TokenRefused;

impl IntoResponse for TokenRefused {
    fn into_response(self) -> Response {
        // The error of RFC 6750, section 3.1. What Redis said is not for clients.
        let (status, name, value, text): (_, HeaderName, _, _) = match self {
            Self::Revoked => (
                StatusCode::UNAUTHORIZED,
                WWW_AUTHENTICATE,
                "Bearer error=\"invalid_token\"",
                "the token was revoked",
            ),
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER, "1", "the token cannot be checked now")
            }
        };
        (status, [(name, value), (CACHE_CONTROL, "no-store")], text).into_response()
    }
}
