//! The session, as handlers use it.

use std::fmt;
use std::fmt::Display;
use std::sync::Arc;

use ::axum::extract::{FromRequestParts, OptionalFromRequestParts};
use ::axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rejection::SessionRejection;
use super::state::SessionState;
use crate::types::error::Error;

/// The session of a request, in handlers below a [`SessionLayer`](super::SessionLayer).
///
/// The extractor loads it, with one command; a request without a cookie of a session sends none. Values are read at once, and what is
/// set is stored when the handler has responded: only values that changed, and none if the response is an error of the server.
///
/// ```
/// # use larder_runtime as larder;
/// use axum::http::StatusCode;
/// use larder::session::Session;
///
/// async fn add_to_cart(session: Session) -> Result<String, StatusCode> {
///     let mut cart: Vec<u64> = session.get("cart").unwrap_or_default();
///     cart.push(7);
///     session.set("cart", &cart).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
///     Ok(format!("{} items", cart.len()))
/// }
/// ```
#[derive(Clone)]
pub struct Session(Arc<SessionState>);

impl Session {
    /// Returns a value; `None` if there is none, or if it has another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.read(|record, wishes| {
            let json = match wishes.changes.get(name) {
                Some(changed) => changed.as_ref(),
                None => record.and_then(|record| record.fields.get(name)),
            };
            json.and_then(|json| serde_json::from_str(json).ok())
        })
    }

    /// Sets a value, as JSON.
    ///
    /// # Errors
    /// [`Error::Encode`] for a value that JSON does not have, such as a map whose keys are no texts. The session is as it was then.
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Error> {
        let json = serde_json::to_string(value).map_err(|error| Error::encode("json", error))?;
        self.0.wish(|wishes| drop(wishes.changes.insert(name.to_owned(), Some(json))));
        Ok(())
    }

    /// Removes a value.
    pub fn remove(&self, name: &str) {
        self.0.wish(|wishes| drop(wishes.changes.insert(name.to_owned(), None)));
    }

    /// Returns the user who is signed in.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.0.read(|record, wishes| {
            wishes.sign_in.clone().or_else(|| record.and_then(|record| record.user.clone()))
        })
    }

    /// Returns the name of the session in [`SessionLayer::list`](super::SessionLayer::list); `None` before it is stored. Nobody can use it as
    /// an id.
    #[must_use]
    pub fn handle(&self) -> Option<String> {
        self.0.read(|record, _| record.map(|record| record.place.handle()))
    }

    /// Signs a user in, if the response is none of an error: with a new id, so that one that somebody else knows is worth nothing. The
    /// values are kept, and the id before leads to the session for ten seconds, for requests that are on their way.
    ///
    /// # Errors
    /// None yet: whether it could be stored is known when the handler has responded, and `503` is sent if not.
    #[expect(clippy::unused_async, reason = "the name of a step that may ask the store")]
    pub async fn sign_in(&self, user: impl Display) -> Result<(), Error> {
        self.0.wish(|wishes| wishes.sign_in = Some(user.to_string()));
        Ok(())
    }

    /// Ends the session, now: requests that are on their way do not bring it back. Its values and its cookie are gone.
    ///
    /// # Errors
    /// The error of the store. The session goes on then.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.0.remove().await
    }

    /// Gives the session a new id, as [`Session::sign_in`] does: for another change of what the client may do. Its absolute end stays.
    pub fn rotate(&self) {
        self.0.wish(|wishes| wishes.rotates = true);
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionRejection> {
        let state = parts.extensions.get::<Arc<SessionState>>().cloned().ok_or(SessionRejection::NoLayer)?;
        state.load().await.map_err(SessionRejection::Unavailable)?;
        Ok(Self(state))
    }
}

/// `None` without a layer.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, SessionRejection> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(session) => Ok(Some(session)),
            Err(SessionRejection::NoLayer) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user()).finish_non_exhaustive()
    }
}
