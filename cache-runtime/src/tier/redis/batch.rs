//! Batch: reads that the tasks of one thread ask for at the same time go out together.
//!
//! A command by itself is a message to the driver of the connection, a timer, and a write, since a driver that is woken
//! runs before the tasks that are about to ask for more. With many tasks that was most of what a hit cost, here and in the
//! server. So while a thread has other reads under way, a read waits for those whose tasks are in line behind its own, and
//! they share all three. Each is still a command with an answer of its own: they may be about different slots, and one
//! that is refused is no trouble of the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::link::{Answer, Late};

/// A batch is no longer than this: its answers are handed out when the last of them is there.
const LONGEST: usize = 16;

/// The reads that wait for those in line behind them.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Mutex<Vec<Read>>>);

struct Read {
    command: Cmd,
    answer: oneshot::Sender<Answer>,
}

impl Queue {
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
            // Nobody who comes later waits longer than who came first, so that one deadline is in time for all.
            let collected = Collected(Some(self.clone()));
            tokio::spawn(collect(collected, conn.clone(), Instant::now() + limit));
        }
        receiver
    }

    fn take(&self) -> Vec<Read> {
        std::mem::take(&mut *self.reads())
    }

    fn reads(&self) -> MutexGuard<'_, Vec<Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of those who wait if the runtime ends and drops the task that was to send what they ask for.
struct Collected(Option<Queue>);

impl Collected {
    fn take(mut self) -> Vec<Read> {
        self.0.take().map_or_else(Vec::new, |queue| queue.take())
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
async fn collect(collected: Collected, conn: MultiplexedConnection, deadline: Instant) {
    to_the_end_of_the_line().await;
    let mut reads = collected.take();
    while reads.len() > LONGEST {
        let rest = reads.split_off(LONGEST);
        tokio::spawn(exchange(reads, conn.clone(), deadline));
        reads = rest;
    }
    exchange(reads, conn, deadline).await;
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

async fn exchange(reads: Vec<Read>, mut conn: MultiplexedConnection, deadline: Instant) {
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
    // Nobody is there to be told when nobody waits any more.
    match timeout_at(deadline, conn.send_packed_commands(&commands, 0, asked.len())).await {
        Ok(Ok(values)) => asked.into_iter().zip(values).for_each(|(asked, value)| {
            drop(asked.send(Ok(value.extract_error())));
        }),
        Ok(Err(error)) => asked.into_iter().for_each(|asked| drop(asked.send(Ok(Err(error.clone()))))),
        Err(_) => asked.into_iter().for_each(|asked| drop(asked.send(Err(Late)))),
    }
}
