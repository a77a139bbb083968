//! A stack that grows: a cached function may call itself as deep as memory allows, as it can without the cache.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A poll that begins with less stack than this gets a new segment. Enough for everything between two cached calls, the
/// user's code included.
const RED_ZONE: usize = 256 << 10;
/// The size of a segment. Memory that is not touched costs nothing.
const SEGMENT: usize = 4 << 20;

/// A boxed future that may hold futures like itself, as deep as memory allows: polls and drops get a new segment where little
/// is left of the stack.
#[derive(Debug)]
pub struct DeepFuture<F>(Option<Pin<Box<F>>>);

impl<F> DeepFuture<F> {
    /// Boxes a future.
    pub(crate) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for DeepFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.get_mut().0.as_mut().expect("only `drop` takes the future");
        stacker::maybe_grow(RED_ZONE, SEGMENT, || future.as_mut().poll(context))
    }
}

impl<F> Drop for DeepFuture<F> {
    fn drop(&mut self) {
        stacker::maybe_grow(RED_ZONE, SEGMENT, || drop(self.0.take()));
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
