//! The layer.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::admit::Admission;
use crate::rate_limit::limit::RateLimit;
use crate::rt::stack::BoxFuture;

/// A layer that limits the requests of a service; [`RateLimit::layer`] creates it.
#[derive(Debug, Clone)]
pub struct RateLimitLayer(RateLimit);

/// A service whose requests are limited.
#[derive(Clone)]
pub struct RateLimitService<S> {
    inner: S,
    limit: RateLimit,
}

impl RateLimit {
    /// Returns a layer that limits the requests of routes or of any tower service whose response body is made from
    /// [`Bytes`], such as axum's.
    ///
    /// In axum, add it by `route_layer`. The template of the route is the scope of the limit unless it has one: `/items/1` and
    /// `/items/2` are one limit. It goes outside layers that cache responses or load sessions, and inside those for
    /// request ids and tracing; what `By` reads must be there before it.
    ///
    /// Handlers get the [`Verdict`](crate::rate_limit::Verdict) from the extensions of the request.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use axum::{Router, routing::get};
    /// use larder::rate_limit::{By, RateLimit};
    ///
    /// let limit = RateLimit::new("100/minute").and("2000/day").by(By::ip());
    /// let app: Router = Router::new().route("/search", get(|| async { "found" })).route_layer(limit.layer());
    /// ```
    #[must_use]
    pub fn layer(&self) -> RateLimitLayer {
        RateLimitLayer(self.clone())
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService { inner, limit: self.0.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for RateLimitService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that is ready is used, and a copy of it stays.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let limit = self.limit.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match limit.admit(&mut parts).await {
                Admission::Unlimited => inner.call(Request::from_parts(parts, body)).await,
                Admission::Admitted(verdict) => {
                    let mut response = inner.call(Request::from_parts(parts, body)).await?;
                    limit.add_fields(&verdict, &mut response);
                    Ok(response)
                }
                Admission::Refused(response) => Ok(response.map(R::from)),
            }
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
