//! The future of a cached call: ready at once on a hit in this process.

use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use crate::rt::stack::DeepFuture;
use crate::site::outcome::Shape;

/// The future that [`run`](super::run::run) returns.
pub enum Run<R, S: Shape<R>, F> {
    /// The value; `None` once it was taken. Not the result, whose error type need not be `Send`: the future is `Send` all
    /// the same.
    Ready(Option<S::Value>),
    /// The call has to ask the store.
    Boxed(DeepFuture<F>),
}

/// Nothing in it is pinned in place: the future is boxed, and the value is only ever moved out.
impl<R, S: Shape<R>, F> Unpin for Run<R, S, F> {}

impl<R, S: Shape<R>, F: Future<Output = R>> Future for Run<R, S, F> {
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<R> {
        match self.get_mut() {
            Self::Ready(value) => {
                Poll::Ready(S::value(value.take().expect("a future is not polled again once it is ready")))
            }
            Self::Boxed(future) => Pin::new(future).poll(context),
        }
    }
}

impl<R, S: Shape<R>, F> fmt::Debug for Run<R, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}
