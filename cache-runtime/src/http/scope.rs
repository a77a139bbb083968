//! A layer that gives the requests of a service another cache in place of the process-wide one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::engine::context::{Context, Scope, Scoped};
use crate::handle::Cache;

/// Returns a layer that runs each request inside [`Cache::scope`]: handlers and functions below it use this cache unless their
/// attributes say `cache = ..`. So tests that run in parallel can each have a cache of their own in an unchanged application.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use axum::{Router, routing::get};
/// use larder::Cache;
///
/// fn app() -> Router {
///     Router::new().route("/", get(|| async { "hello" }))
/// }
///
/// # let cache = Cache::builder().build().await?;
/// let app: Router = app().layer(larder::http::scope(&cache));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
///
/// A body that is streamed after the response was returned, and tasks that handlers spawn, are outside the scope: see
/// [`Cache::current`].
pub fn scope(cache: &Cache) -> ScopeLayer {
    ScopeLayer(cache.scoped())
}

/// A layer that runs each request inside the scope of a cache; [`scope`] creates it.
#[derive(Clone)]
pub struct ScopeLayer(Arc<Scoped>);

/// A service whose requests run inside the scope of a cache.
#[derive(Clone)]
pub struct ScopeService<S> {
    inner: S,
    scoped: Arc<Scoped>,
}

/// The future of a request inside the scope of a cache.
pub struct ScopeFuture<F>(Scope<Pin<Box<F>>>);

impl<S> Layer<S> for ScopeLayer {
    type Service = ScopeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ScopeService { inner, scoped: Arc::clone(&self.0) }
    }
}

impl<S: Service<R>, R> Service<R> for ScopeService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = ScopeFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let context = || Context::with_cache(Arc::clone(&self.scoped));
        // A service may do its work here rather than in its future.
        let (inside, outside) = (context(), context());
        let future = inside.scope_blocking(|| self.inner.call(request));
        ScopeFuture(outside.scope(Box::pin(future)))
    }
}

impl<F: Future> Future for ScopeFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.get_mut().0).poll(context)
    }
}

impl fmt::Debug for ScopeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for ScopeService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ScopeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeFuture").finish_non_exhaustive()
    }
}
