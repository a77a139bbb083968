//! The commands that wait to be written, and the callers that wait for the replies.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use redis::{RedisError, RedisResult};
use tokio::sync::oneshot;

/// The commands of a connection that its task has not taken yet.
#[derive(Default)]
pub(super) struct CommandQueue(Mutex<QueueState>);

#[derive(Default)]
struct QueueState {
    /// The commands.
    bytes: Vec<u8>,
    /// Their callers.
    callers: Vec<PendingReply>,
    /// Wakes the task, which sleeps.
    task: Option<Waker>,
    /// The failure that ended the connection.
    end: Option<RedisError>,
}

/// A caller that waits for replies.
pub(super) enum PendingReply {
    One(oneshot::Sender<RedisResult<Bytes>>),
    Many { replies: Vec<Bytes>, count: usize, caller: oneshot::Sender<RedisResult<Vec<Bytes>>> },
}

impl CommandQueue {
    /// Sends a command, which `write` appends to a buffer, and waits for the reply.
    pub(super) async fn push_one(&self, write: impl FnOnce(&mut Vec<u8>)) -> RedisResult<Bytes> {
        let (caller, reply) = oneshot::channel();
        self.push(PendingReply::One(caller), write)?;
        reply.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Sends commands, which `write` appends to a buffer, and waits for so many replies.
    pub(super) async fn push_many(
        &self,
        count: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> RedisResult<Vec<Bytes>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let (caller, replies) = oneshot::channel();
        self.push(PendingReply::Many { replies: Vec::with_capacity(count), count, caller }, write)?;
        replies.await.unwrap_or_else(|_| Err(closed()))
    }

    fn push(&self, caller: PendingReply, write: impl FnOnce(&mut Vec<u8>)) -> RedisResult<()> {
        let task = {
            let mut state = self.state();
            if let Some(error) = &state.end {
                return Err(error.clone());
            }
            write(&mut state.bytes);
            state.callers.push(caller);
            state.task.take()
        };
        // Outside the lock: a waker runs foreign code.
        if let Some(task) = task {
            task.wake();
        }
        Ok(())
    }

    /// Moves what was sent to the ends of these lists. If there is nothing, the next command wakes `task`. Returns `true` if
    /// something was moved.
    pub(super) fn take(
        &self,
        bytes: &mut Vec<u8>,
        callers: &mut impl Extend<PendingReply>,
        task: &Waker,
    ) -> bool {
        let mut state = self.state();
        if state.callers.is_empty() {
            if !state.task.as_ref().is_some_and(|known| known.will_wake(task)) {
                state.task = Some(task.clone());
            }
            return false;
        }
        if bytes.is_empty() {
            std::mem::swap(bytes, &mut state.bytes);
        } else {
            bytes.append(&mut state.bytes);
        }
        callers.extend(state.callers.drain(..));
        true
    }

    /// Returns `true` if there are commands to take.
    pub(super) fn has_some(&self) -> bool {
        !self.state().callers.is_empty()
    }

    /// Refuses commands from now on, and returns the callers of those that were not taken.
    pub(super) fn close(&self, error: RedisError) -> Vec<PendingReply> {
        let mut state = self.state();
        state.bytes = Vec::new();
        state.task = None;
        state.end.get_or_insert(error);
        std::mem::take(&mut state.callers)
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingReply {
    /// Hands over a reply. Returns the caller if it waits for more.
    pub(super) fn answer(self, reply: Bytes) -> Option<Self> {
        match self {
            // Sending fails if the caller was dropped meanwhile.
            Self::One(caller) => drop(caller.send(Ok(reply))),
            Self::Many { mut replies, count, caller } => {
                replies.push(reply);
                if replies.len() < count {
                    return Some(Self::Many { replies, count, caller });
                }
                drop(caller.send(Ok(replies)));
            }
        }
        None
    }

    /// Ends the wait with an error.
    pub(super) fn fail(self, error: RedisError) {
        match self {
            Self::One(caller) => drop(caller.send(Err(error))),
            Self::Many { caller, .. } => drop(caller.send(Err(error))),
        }
    }
}

/// Returns the error of a connection that was closed.
pub(super) fn closed() -> RedisError {
    RedisError::from(io::Error::from(io::ErrorKind::BrokenPipe))
}
