//! The guards of a layer: what a request must pass before it is answered from the cache.

use std::fmt;
use std::sync::Arc;

use http::request;

use crate::rt::caught::caught;

#[cfg(feature = "axum")]
pub(super) use self::authorize::{Authorize, authorize};

/// `when`: whether a request may use the cache.
pub(super) type When = Arc<dyn Fn(&request::Parts) -> bool + Send + Sync>;

/// The guards of a layer.
#[derive(Clone, Default)]
pub(super) struct Guards {
    pub(super) when: Vec<When>,
    #[cfg(feature = "axum")]
    pub(super) authorize: Vec<Authorize>,
}

impl Guards {
    /// Returns whether no extractor runs.
    #[cfg_attr(not(feature = "axum"), expect(clippy::unused_self, reason = "extractors are axum's"))]
    pub(super) fn is_without_extractors(&self) -> bool {
        #[cfg(feature = "axum")]
        return self.authorize.is_empty();
        #[cfg(not(feature = "axum"))]
        true
    }

    /// Returns whether every `when` admits a request. One that panics does not.
    pub(super) fn admit(&self, parts: &request::Parts) -> bool {
        self.when.iter().all(|when| caught(|| when(parts)).unwrap_or(false))
    }
}

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guards").field("when", &self.when.len()).finish_non_exhaustive()
    }
}

/// Guards that are extractors of axum.
#[cfg(feature = "axum")]
mod authorize {
    use std::pin::Pin;
    use std::sync::Arc;

    use axum::extract::FromRequestParts;
    use axum::response::{IntoResponse, Response};
    use http::request;

    use super::Guards;

    /// Runs an extractor on the parts of a request: the parts as the extractor left them, or its rejection.
    pub(in crate::http) type Authorize =
        Arc<dyn Fn(request::Parts) -> Pin<Box<dyn Future<Output = Authorized> + Send>> + Send + Sync>;

    /// The result of an [`Authorize`].
    type Authorized = Result<request::Parts, Box<Response>>;

    /// The guard of an extractor.
    pub(in crate::http) fn authorize<T, S>(state: S) -> Authorize
    where
        T: FromRequestParts<S> + 'static,
        S: Clone + Send + Sync + 'static,
    {
        Arc::new(move |mut parts| {
            let state = state.clone();
            Box::pin(async move {
                let rejection = T::from_request_parts(&mut parts, &state).await.err();
                rejection.map_or(Ok(parts), |rejection| Err(Box::new(rejection.into_response())))
            })
        })
    }

    impl Guards {
        /// Runs the extractors on the parts of a request, one after the other. The first rejection is the response.
        pub(in crate::http) async fn authorize(&self, mut parts: request::Parts) -> Authorized {
            for authorize in &self.authorize {
                parts = authorize(parts).await?;
            }
            Ok(parts)
        }
    }
}
