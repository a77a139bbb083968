//! Answering a request from the cache or from the handler.

use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use axum::response::Response;

use crate::engine::call::Call;
use crate::http::CachedResponse;
use crate::rt::stack::BoxFuture;
use crate::site::body::{Body as FnBody, RunMode};
use crate::site::rules::ValueRules;

use super::handler::Handler;
use super::handling::{Looked, OwnParts, at_once, looked_up};
use super::incoming::Incoming;

/// Answers a request from the cache or from the handler. Generated code calls this function.
///
/// A hit in this process is answered at once; only a request that has to wait pays for a future of its own.
pub fn respond<A, F>(
    call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    rules: A,
    compute: F,
) -> Respond<impl FnOnce() -> OwnParts + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    handled(call, handler, incoming, false, move || -> OwnParts {
        (Box::new(rules), Box::new(move |_| -> BoxFuture<'static, Response> { Box::pin(compute) }))
    })
}

/// [`respond`] for a handler that can also run in the background, while a stale response is served.
pub fn respond_detachable<A, F, M>(
    call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    rules: A,
    work: M,
) -> Respond<impl FnOnce() -> OwnParts + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
{
    handled(call, handler, incoming, true, move || -> OwnParts {
        (Box::new(rules), Box::new(move |mode| work(mode).boxed()))
    })
}

/// The future of [`respond`]. `M` makes the handler's own parts, which are all that differs between handlers: everything else is
/// compiled once, and not for each of them.
pub enum Respond<M> {
    /// A response that is there; `None` once it was taken.
    Ready(Option<Response>),
    /// The request goes to the store.
    Looks(BoxFuture<'static, Looked>, Option<M>),
    /// The request goes to the handler.
    Runs(BoxFuture<'static, Response>),
}

/// Nothing is pinned in place: the futures are boxed, and the rest is only moved out.
impl<M> Unpin for Respond<M> {}

impl<M: FnOnce() -> OwnParts> Future for Respond<M> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Response> {
        if let Self::Looks(lookup, parts) = &mut *self {
            let later = match task::ready!(lookup.as_mut().poll(context)) {
                Looked::Has(response) => return Poll::Ready(response),
                Looked::Later(later) => later,
            };
            let (rules, work) = parts.take().expect(POLLED)();
            *self = Self::Runs(later.run(rules, work));
        }
        match &mut *self {
            Self::Runs(run) => run.as_mut().poll(context),
            Self::Ready(response) => Poll::Ready(response.take().expect(POLLED)),
            Self::Looks(..) => Poll::Pending,
        }
    }
}

/// The message for a poll after the end.
const POLLED: &str = "a future is not polled again once it is ready";

impl<M> fmt::Debug for Respond<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Respond")
    }
}

fn handled<M>(
    mut call: Call,
    handler: &'static Handler,
    mut incoming: Incoming,
    can_detach: bool,
    parts: M,
) -> Respond<M> {
    match at_once(&mut call, handler, &mut incoming) {
        Ok(response) => Respond::Ready(Some(response)),
        Err(start) => {
            let options = handler.options(call.policy());
            Respond::Looks(looked_up(call, options, incoming, can_detach, start), Some(parts))
        }
    }
}
