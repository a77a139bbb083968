//! The service: gives requests their sessions, and responses their cookies.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, Request};
use tower_service::Service;

use super::rejection::SessionRejection;
use super::session_id::SessionId;
use super::settings::SessionSettings;
use super::state::{SessionEffect, SessionState};
use crate::http::{PersonalMark, keep_private};
use crate::rt::stack::BoxFuture;

/// A service whose handlers have sessions.
#[derive(Clone)]
pub struct SessionService<S> {
    inner: S,
    settings: Arc<SessionSettings>,
}

impl<S> SessionService<S> {
    pub(super) fn new(inner: S, settings: Arc<SessionSettings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, B> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response: IntoResponse> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that is ready is used, and a copy of it stays.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let presented = self.settings.cookie.find(request.headers(), SessionId::read);
        let mark = PersonalMark::default();
        let state = Arc::new(SessionState::new(Arc::clone(&self.settings), presented, mark.clone()));
        // For a cache of responses between this layer and a handler.
        request.extensions_mut().insert(mark);
        request.extensions_mut().insert(Arc::clone(&state));
        Box::pin(async move {
            let response = inner.call(request).await?.into_response();
            Ok(match state.commit(response.status().as_u16()).await {
                Ok(effect) => with_effect(response, effect),
                Err(error) => SessionRejection::Unavailable(error).into_response(),
            })
        })
    }
}

/// Tells caches about the session, and the browser about its cookie.
fn with_effect(mut response: Response, effect: SessionEffect) -> Response {
    let headers = response.headers_mut();
    match effect {
        SessionEffect::Untouched => {}
        SessionEffect::Read => keep_private(headers),
        SessionEffect::Cookie(cookie) => {
            keep_private(headers);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            // Made of characters that a header may have.
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }
    response
}

impl<S: fmt::Debug> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
