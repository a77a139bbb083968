//! Batches: reads that the tasks of one thread start at the same time are sent together.
//!
//! A command by itself costs a message to the driver of the connection, a timer, and a write, since a driver that is woken
//! runs before the tasks that are about to send more. With many tasks that was most of the cost of a hit, here and in the
//! server. So while a thread has other reads in flight, a read waits for the tasks that are ready to run after its own,
//! and they share all three. Each read is still a command with a reply of its own: reads may be for different slots, and
//! an error of one does not affect the others.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use super::request::Reply;
use crate::store::contract::LARGE;

/// The longest batch: its replies are handed out when the last of them has arrived.
const LONGEST: usize = 16;
/// The number of reads that are sent alone after a batch that was large or late: large values gain little and wait for one
/// another. On a connection that is too slow for a
/// whole batch, a single command may still be answered in time.
const SOLO: usize = 256;

/// The reads that wait for those of other tasks.
#[derive(Clone)]
pub(super) struct BatchQueue {
    reads: Arc<Mutex<Vec<QueuedRead>>>,
    solo: Arc<SoloReads>,
}

/// The number of reads that are to be sent alone. It outlives the connection, which a late batch may end.
#[derive(Default)]
pub(super) struct SoloReads(AtomicUsize);

struct QueuedRead {
    command: Cmd,
    reply: oneshot::Sender<Reply>,
}

impl SoloReads {
    /// Returns `true` if the next read is to be sent alone.
    pub(super) fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn begin(&self) {
        self.0.store(SOLO, Relaxed);
    }
}

impl BatchQueue {
    /// Returns an empty queue.
    pub(super) fn new(solo: &Arc<SoloReads>) -> Self {
        Self { reads: Arc::default(), solo: Arc::clone(solo) }
    }

    /// Sends a command in a batch over this connection. The receiver fails if the runtime ends before.
    pub(super) fn send(
        &self,
        command: Cmd,
        connection: &Connection,
        limit: Duration,
    ) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let is_first = {
            let mut reads = self.reads();
            reads.push(QueuedRead { command, reply });
            reads.len() == 1
        };
        if is_first {
            tokio::spawn(collect(DrainOnDrop(Some(self.clone())), connection.clone(), limit));
        }
        receiver
    }

    fn take(&self) -> Vec<QueuedRead> {
        std::mem::take(&mut *self.reads())
    }

    fn reads(&self) -> MutexGuard<'_, Vec<QueuedRead>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the queued reads, which fails them, if the runtime ends and drops the task that was to send them.
struct DrainOnDrop(Option<BatchQueue>);

impl DrainOnDrop {
    fn take(mut self) -> Option<(Vec<QueuedRead>, Arc<SoloReads>)> {
        self.0.take().map(|queue| (queue.take(), queue.solo))
    }
}

impl Drop for DrainOnDrop {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            drop(queue.take());
        }
    }
}

/// Waits for the tasks that are ready to run, and sends their reads.
async fn collect(queue: DrainOnDrop, connection: Connection, limit: Duration) {
    after_ready_tasks().await;
    let Some((mut reads, solo)) = queue.take() else { return };
    // The time until here is not counted against the server: on a slow runtime every batch would be late.
    let time = (Instant::now(), limit);
    while reads.len() > LONGEST {
        let rest = reads.split_off(LONGEST);
        tokio::spawn(exchange(reads, connection.clone(), time, Arc::clone(&solo)));
        reads = rest;
    }
    exchange(reads, connection, time, solo).await;
}

/// Continues after all tasks that are ready to run on this thread now. `tokio::task::yield_now` would also wait until
/// timers and sockets were polled.
async fn after_ready_tasks() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn exchange(
    reads: Vec<QueuedRead>,
    mut connection: Connection,
    (began, limit): (Instant, Duration),
    solo: Arc<SoloReads>,
) {
    let mut commands = Pipeline::with_capacity(reads.len());
    let mut senders = Vec::with_capacity(reads.len());
    // Reads whose callers were dropped are not sent.
    for read in reads.into_iter().filter(|read| !read.reply.is_closed()) {
        commands.add_command(read.command);
        senders.push(read.reply);
    }
    if senders.is_empty() {
        return;
    }
    let progress = Arc::clone(connection.progress());
    let exchanged = pin!(connection.send_pipeline(&commands, 0, senders.len()));
    let replies: Vec<Reply> = match progress.wait(began, limit, exchanged).await {
        Ok(Ok(values)) => {
            if values.iter().map(size).sum::<usize>() > LARGE {
                solo.begin();
            }
            values.into_iter().map(|value| Ok(value.extract_error())).collect()
        }
        Ok(Err(error)) => vec![Ok(Err(error)); senders.len()],
        Err(timed_out) => {
            solo.begin();
            vec![Err(timed_out); senders.len()]
        }
    };
    // Sending fails if the caller was dropped meanwhile.
    senders.into_iter().zip(replies).for_each(|(sender, reply)| drop(sender.send(reply)));
}

/// Returns the number of bytes in the strings of a reply.
fn size(reply: &Value) -> usize {
    match reply {
        Value::BulkString(bytes) => bytes.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_reads_are_sent_alone_after_a_heavy_batch() {
        let solo = SoloReads::default();
        assert!(!solo.take());
        solo.begin();
        assert_eq!((0..2 * SOLO).filter(|_| solo.take()).count(), SOLO);
    }
}
