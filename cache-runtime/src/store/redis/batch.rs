//! Batch: reads that the tasks of one thread ask for at the same time go out together.
//!
//! A command by itself is a message to the driver of the connection, a timer, and a write, since a driver that is woken
//! runs before the tasks that are about to ask for more. With many tasks that was most of what a hit cost, here and in the
//! server. So while a thread has other reads under way, a read waits for those whose tasks are in line behind its own, and
//! they share all three. Each is still a command with an answer of its own: they may be about different slots, and one
//! that is refused is no trouble of the others.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::link::{Answer, Late};

/// A batch is no longer than this: its answers are handed out when the last of them is there.
const LONGEST: usize = 16;
/// ValueRules of more bytes than this gain little by coming together, and would wait for one another.
const HEAVY: usize = 256 << 10;
/// So many reads go out alone after a batch that was heavy or late. On a line that is too slow for all of it, the first of
/// several commands may still be answered in time.
const APART: usize = 256;

/// The reads that wait for those in line behind them.
#[derive(Clone)]
pub(super) struct Queue {
    reads: Arc<Mutex<Vec<Read>>>,
    apart: Arc<Apart>,
}

/// How many reads are to go out alone. It outlives the connection, which a batch that was late may end.
#[derive(Default)]
pub(super) struct Apart(AtomicUsize);

impl Apart {
    fn begin(&self) {
        self.0.store(APART, Relaxed);
    }

    /// Whether one that begins now is to go out alone.
    pub(super) fn takes(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

struct Read {
    command: Cmd,
    answer: oneshot::Sender<Answer>,
}

impl Queue {
    /// Nobody waits.
    pub(super) fn new(apart: &Arc<Apart>) -> Self {
        Self { reads: Arc::default(), apart: Arc::clone(apart) }
    }

    /// Sends a command with others over this connection. What is answered is nothing if the runtime ends before.
    pub(super) fn send(
        &self,
        command: Cmd,
        conn: &MultiplexedConnection,
        limit: Duration,
    ) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        let is_first = {
            let mut reads = self.reads();
            reads.push(Read { command, answer });
            reads.len() == 1
        };
        if is_first {
            tokio::spawn(collect(Collected(Some(self.clone())), conn.clone(), limit));
        }
        receiver
    }

    fn take(&self) -> Vec<Read> {
        std::mem::take(&mut *self.reads())
    }

    fn reads(&self) -> MutexGuard<'_, Vec<Read>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of those who wait if the runtime ends and drops the task that was to send what they ask for.
struct Collected(Option<Queue>);

impl Collected {
    fn take(mut self) -> Option<(Vec<Read>, Arc<Apart>)> {
        self.0.take().map(|queue| (queue.take(), queue.apart))
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            drop(queue.take());
        }
    }
}

/// Waits for those who are in line, and sends what they ask for.
async fn collect(collected: Collected, conn: MultiplexedConnection, limit: Duration) {
    to_the_end_of_the_line().await;
    let Some((mut reads, apart)) = collected.take() else { return };
    // Time in line is not held against the server: a runtime that is slow would find every batch late.
    let deadline = Instant::now() + limit;
    while reads.len() > LONGEST {
        let rest = reads.split_off(LONGEST);
        tokio::spawn(exchange(reads, conn.clone(), deadline, Arc::clone(&apart)));
        reads = rest;
    }
    exchange(reads, conn, deadline, apart).await;
}

/// Runs on after all tasks that are ready to run on this thread now. What tokio has for that would also wait until its
/// timers and sockets were looked at.
async fn to_the_end_of_the_line() {
    let mut is_there = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_there, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn exchange(reads: Vec<Read>, mut conn: MultiplexedConnection, deadline: Instant, apart: Arc<Apart>) {
    let mut commands = Pipeline::with_capacity(reads.len());
    let mut asked = Vec::with_capacity(reads.len());
    // Who was dropped meanwhile asks for nothing any more.
    for read in reads.into_iter().filter(|read| !read.answer.is_closed()) {
        commands.add_command(read.command);
        asked.push(read.answer);
    }
    if asked.is_empty() {
        return;
    }
    let answers: Vec<Answer> =
        match timeout_at(deadline, conn.send_packed_commands(&commands, 0, asked.len())).await {
            Ok(Ok(values)) => {
                if values.iter().map(size).sum::<usize>() > HEAVY {
                    apart.begin();
                }
                values.into_iter().map(|value| Ok(value.extract_error())).collect()
            }
            Ok(Err(error)) => vec![Ok(Err(error)); asked.len()],
            Err(_) => {
                apart.begin();
                vec![Err(Late); asked.len()]
            }
        };
    // Who is not there to be told has been dropped.
    asked.into_iter().zip(answers).for_each(|(asked, answer)| drop(asked.send(answer)));
}

/// The bytes of an answer, as far as they count.
fn size(answer: &Value) -> usize {
    match answer {
        Value::BulkString(bytes) => bytes.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_batch_that_was_too_much_some_go_alone() {
        let apart = Apart::default();
        assert!(!apart.takes());
        apart.begin();
        assert_eq!((0..2 * APART).filter(|_| apart.takes()).count(), APART);
    }
}
