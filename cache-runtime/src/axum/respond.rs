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
use super::handling::{Looked, at_once, looked_up};
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
) -> Respond<A, impl FnOnce(RunMode) -> BoxFuture<'static, Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    handled(call, handler, incoming, rules, false, move |_| -> BoxFuture<'static, Response> {
        Box::pin(compute)
    })
}

/// [`respond`] for a handler that can also run in the background, while a stale response is served.
pub fn respond_detachable<A, F, M>(
    call: Call,
    handler: &'static Handler,
    incoming: Incoming,
    rules: A,
    work: M,
) -> Respond<A, impl FnOnce(RunMode) -> BoxFuture<'static, Response> + Send>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
    M: FnOnce(RunMode) -> FnBody<F, Response> + Send + 'static,
{
    handled(call, handler, incoming, rules, true, move |mode| work(mode).boxed())
}

/// The future of [`respond`]. Its rules `A` and its handler `M` are all that differs between handlers: everything else is
/// compiled once, and not for each of them.
pub enum Respond<A, M> {
    /// A response that is there; `None` once it was taken.
    Ready(Option<Response>),
    /// The request goes to the store.
    Looks(BoxFuture<'static, Looked>, Option<(A, M)>),
    /// The request goes to the handler.
    Runs(BoxFuture<'static, Response>),
}

/// Nothing is pinned in place: the futures are boxed, and the rest is only moved out.
impl<A, M> Unpin for Respond<A, M> {}

impl<A, M> Future for Respond<A, M>
where
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode) -> BoxFuture<'static, Response> + Send + 'static,
{
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Response> {
        if let Self::Looks(lookup, work) = &mut *self {
            let later = match task::ready!(lookup.as_mut().poll(context)) {
                Looked::Has(response) => return Poll::Ready(response),
                Looked::Later(later) => later,
            };
            let (rules, work) = work.take().expect(POLLED);
            *self = Self::Runs(later.run(Box::new(rules), Box::new(work)));
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

impl<A, M> fmt::Debug for Respond<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Respond")
    }
}

fn handled<A, M>(
    mut call: Call,
    handler: &'static Handler,
    mut incoming: Incoming,
    rules: A,
    can_detach: bool,
    work: M,
) -> Respond<A, M> {
    match at_once(&mut call, handler, &mut incoming) {
        Ok(response) => Respond::Ready(Some(response)),
        Err(start) => {
            let options = handler.options(call.policy());
            Respond::Looks(looked_up(call, options, incoming, can_detach, start), Some((rules, work)))
        }
    }
}
