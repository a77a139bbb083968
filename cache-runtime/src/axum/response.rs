//! The responses of handlers.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::{IntoResponse, Response};

use crate::http::{CacheBody, ExchangeOutcome};

/// The outcome of a request to a cached handler.
pub type Outcome = ExchangeOutcome<Body, Infallible>;

/// The return values of handlers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "`response` needs what axum can answer with",
    note = "return something that is `IntoResponse`, such as `Json<T>` or `Result<Json<T>, AppError>`; to cache a value instead of a response, remove `response`"
)]
pub trait Responds {
    /// The response.
    fn responded(self) -> Response;
}

#[diagnostic::do_not_recommend]
impl<R: IntoResponse> Responds for R {
    fn responded(self) -> Response {
        self.into_response()
    }
}

/// The response that a handler returned.
pub fn responded<R: Responds>(result: R) -> Response {
    result.responded()
}

/// A response with a body of axum.
pub(super) fn outgoing(response: Response<CacheBody<Body>>) -> Response {
    response.map(|body| match body.into_whole() {
        Ok(bytes) => Body::from(bytes),
        Err(body) => body.into_service().unwrap_or_else(Body::new),
    })
}
