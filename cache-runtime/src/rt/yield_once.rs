//! A pause of one poll.

use std::future::poll_fn;
use std::task::Poll;

/// Lets the task poll its other futures, and the executor its other tasks, once. On any executor: tokio's own would wait for
/// a worker that may be blocked by this call.
pub(crate) async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
