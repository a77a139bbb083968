//! A stack that grows: a cached function may call itself as deep as memory allows, as it can without the cache.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A poll that begins with less stack than this gets a new segment. Enough for everything between two cached calls, the
/// user's code included.
const RED_ZONE: usize = 256 << 10;
/// The size of a segment. Memory that is not touched costs nothing.
const SEGMENT: usize = 4 << 20;

/// A boxed future that may hold futures like itself, as deep as memory allows: polls and drops get a new segment where little
/// is left of the stack.
#[derive(Debug)]
pub struct DeepFuture<F>(Option<Pin<Box<F>>>);

/// A boxed future without its type. A function that returns one and has no type parameters is compiled here and not again
/// in every crate with cached functions.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Boxes the future that `make` returns. What its making takes of the stack is free when it is polled: without
/// optimisation a future is moved several times within one frame.
#[inline(never)]
pub(crate) fn boxed<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

impl<F> DeepFuture<F> {
    /// Boxes a future.
    pub(crate) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }

    /// [`boxed`], as a deep future.
    pub(crate) fn made(make: impl FnOnce() -> F) -> Self {
        Self(Some(boxed(make)))
    }

    #[inline(never)]
    fn drop_deep(&mut self) {
        if has_room() {
            drop(self.0.take());
        } else {
            on_segment(&mut || drop(self.0.take()));
        }
    }
}

impl<F: Future> Future for DeepFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.get_mut().0.as_mut().expect("only `drop` takes the future");
        if has_room() {
            return future.as_mut().poll(context);
        }
        let mut polled = Poll::Pending;
        on_segment(&mut || polled = future.as_mut().poll(context));
        polled
    }
}

/// Returns whether enough of the stack is left.
#[inline]
fn has_room() -> bool {
    stacker::remaining_stack().is_some_and(|left| left >= RED_ZONE)
}

/// Runs `work` on a new segment.
#[cold]
fn on_segment(work: &mut dyn FnMut()) {
    stacker::grow(SEGMENT, work);
}

impl<F> Drop for DeepFuture<F> {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.drop_deep();
        }
    }
}

/// A future in two parts, of which the second is deep. The first, which is large, is behind a pointer, and nothing of it is on
/// the stack while the second is polled: without optimisation a future has room there for whatever it ever moves.
pub(crate) struct ThenDeep<'f, A, M, B> {
    first: Pin<&'f mut A>,
    /// Makes the second part of the result of the first, unless the whole result is known by then.
    then: Option<M>,
    second: Option<DeepFuture<B>>,
}

/// Nothing in it is pinned in place.
impl<A, M, B> Unpin for ThenDeep<'_, A, M, B> {}

impl<'f, A, M, B> ThenDeep<'f, A, M, B>
where
    A: Future,
    M: FnOnce(A::Output) -> ControlFlow<B::Output, DeepFuture<B>>,
    B: Future,
{
    pub(crate) fn new(first: Pin<&'f mut A>, then: M) -> Self {
        Self { first, then: Some(then), second: None }
    }

    /// Polls the first part. Ready without a result where the second one is left.
    #[inline(never)]
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Option<B::Output>> {
        let first = ready!(self.first.as_mut().poll(context));
        let then = self.then.take().expect("a future is not polled again once it is ready");
        match then(first) {
            ControlFlow::Break(result) => Poll::Ready(Some(result)),
            ControlFlow::Continue(second) => {
                self.second = Some(second);
                Poll::Ready(None)
            }
        }
    }
}

impl<A, M, B> Future for ThenDeep<'_, A, M, B>
where
    A: Future,
    M: FnOnce(A::Output) -> ControlFlow<B::Output, DeepFuture<B>>,
    B: Future,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.get_mut();
        if this.second.is_none()
            && let Some(result) = ready!(this.poll_first(context))
        {
            return Poll::Ready(result);
        }
        Pin::new(this.second.as_mut().expect("the first part has made it")).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rt::park::block_on;

    fn down(depth: usize, is_endless: bool) -> DeepFuture<Pin<Box<dyn Future<Output = usize>>>> {
        DeepFuture::new(Box::pin(async move {
            match depth {
                0 if is_endless => std::future::pending().await,
                0 => 0,
                _ => down(depth - 1, is_endless).await + 1,
            }
        }))
    }

    #[test]
    fn a_deep_chain_runs_and_is_dropped() {
        assert_eq!(block_on(down(100_000, false)), 100_000);
        let mut endless = down(100_000, true);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut endless).poll(&mut context).is_pending());
        drop(endless);
    }
}
