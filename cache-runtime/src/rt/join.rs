//! Waiting for several futures at once.

use std::pin::{Pin, pin};
use std::task::Poll;

/// The largest number of futures that run at once: more would crowd out other calls.
const MOST: usize = 64;

/// Runs two futures at once and returns their outputs.
pub(crate) async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut two) = (None, None);
    std::future::poll_fn(|context| {
        if one.is_none()
            && let Poll::Ready(output) = first.as_mut().poll(context)
        {
            one = Some(output);
        }
        if two.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(context)
        {
            two = Some(output);
        }
        if one.is_none() || two.is_none() {
            return Poll::Pending;
        }
        one.take().zip(two.take()).map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Runs futures at once, the first ones first where there are many, and returns their outputs in their order.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<JoinSlot<F>> =
        futures.into_iter().map(|future| JoinSlot::Pending(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        let mut pending = 0;
        for slot in &mut running {
            if let JoinSlot::Pending(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = JoinSlot::Done(output),
                    Poll::Pending => pending += 1,
                }
            }
            if pending == MOST {
                break;
            }
        }
        if pending == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(JoinSlot::done).collect()
}

/// A future, or its output.
enum JoinSlot<F: Future> {
    Pending(Pin<Box<F>>),
    Done(F::Output),
}

/// The future is boxed, and an output is only moved.
impl<F: Future> Unpin for JoinSlot<F> {}

impl<F: Future> JoinSlot<F> {
    fn done(self) -> Option<F::Output> {
        match self {
            Self::Pending(_) => None,
            Self::Done(output) => Some(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn futures_run_at_once_and_their_outputs_keep_their_order() {
        let (sender, receiver) = oneshot::channel();
        // The first one waits for the second.
        let mut sender = Some(sender);
        let mut receiver = Some(receiver);
        let futures = (0..3).map(|n| {
            let (sender, receiver) =
                (if n == 1 { sender.take() } else { None }, if n == 0 { receiver.take() } else { None });
            async move {
                if let Some(receiver) = receiver {
                    receiver.await.expect("the second one runs");
                }
                sender.into_iter().for_each(|sender| sender.send(()).expect("the first one waits"));
                n
            }
        });
        assert_eq!(join_all(futures).await, [0, 1, 2]);
        let many = (0..MOST * 3).map(async |n| {
            tokio::task::yield_now().await;
            n
        });
        assert_eq!(join_all(many).await, (0..MOST * 3).collect::<Vec<_>>());
        assert!(join_all(Vec::<std::future::Ready<()>>::new()).await.is_empty());
    }
}
