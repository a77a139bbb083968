//! The task of a connection: it writes what callers have sent, reads, and hands out the replies.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::frames::FrameScanner;
use super::queue::{CommandQueue, PendingReply, closed};
use super::reply;
use crate::store::redis::connect::transport::ByteStream;

/// The size of the buffer that is read into.
const READ: usize = 16 << 10;
/// The room in it that is enough for one more read.
const LEAST_READ: usize = 2 << 10;
/// The capacity from which on a buffer is given back when it is empty: one large value must not be paid for all the time.
const KEPT: usize = 256 << 10;
/// The number of replies that are waited for from which on a command waits for those of the tasks that are ready to run.
const GATHER_FROM: usize = 4;

/// The receiver of what a server pushes.
type OnPush = Box<dyn Fn(PushInfo) + Send + Sync>;

/// The task of a connection. It ends when the connection fails.
pub(in crate::store::redis::connect) struct MultiplexerTask {
    stream: Box<dyn ByteStream>,
    queue: Arc<CommandQueue>,
    /// The callers of commands that were taken, in their order.
    callers: VecDeque<PendingReply>,
    /// The commands that are being written, and how much of them is.
    output: Vec<u8>,
    written: usize,
    /// The stream may hold bytes back until it is flushed.
    needs_flush: bool,
    /// The commands that are there wait for others.
    is_gathering: bool,
    input: BytesMut,
    frames: FrameScanner,
    on_push: OnPush,
}

impl MultiplexerTask {
    pub(super) fn new(stream: Box<dyn ByteStream>, queue: Arc<CommandQueue>, on_push: OnPush) -> Self {
        Self {
            stream,
            queue,
            callers: VecDeque::new(),
            output: Vec::new(),
            written: 0,
            needs_flush: false,
            is_gathering: false,
            input: BytesMut::new(),
            frames: FrameScanner::default(),
            on_push,
        }
    }

    /// Reads and writes until nothing is left to do. Ready when the connection has failed.
    fn poll_exchange(&mut self, context: &mut Context<'_>) -> Poll<RedisError> {
        loop {
            if let Poll::Ready(Err(error)) = self.poll_read(context) {
                return Poll::Ready(error);
            }
            // What was taken is written before more is taken; the stream wakes this task when it has room again.
            if let Err(error) = ready!(self.poll_write(context)) {
                return Poll::Ready(error);
            }
            if !self.take(context) {
                return Poll::Pending;
            }
        }
    }

    /// Takes the commands that were sent. A task that is woken runs before the tasks that are about to send more, so while
    /// replies are waited for, which wake such tasks, it lets them run first and writes all commands at once.
    fn take(&mut self, context: &mut Context<'_>) -> bool {
        if self.callers.len() >= GATHER_FROM && !self.is_gathering && self.queue.has_some() {
            self.is_gathering = true;
            context.waker().wake_by_ref();
            return false;
        }
        self.is_gathering = false;
        self.output.clear();
        self.written = 0;
        if self.output.capacity() > KEPT {
            self.output = Vec::new();
        }
        self.queue.take(&mut self.output, &mut self.callers, context.waker())
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<RedisResult<()>> {
        while self.written < self.output.len() {
            let rest = &self.output[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                count => self.written += count,
            }
            self.needs_flush = true;
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until nothing more is there.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<RedisResult<()>> {
        loop {
            if self.input.is_empty() && self.input.capacity() > KEPT {
                self.input = BytesMut::new();
            }
            // Replies that were handed out may share the buffer with what is read now.
            if self.input.capacity() - self.input.len() < LEAST_READ {
                self.input.reserve(READ);
            }
            // Nothing is lost with this future, which has either read or not.
            let read = pin!(self.stream.read_buf(&mut self.input));
            if ready!(read.poll(context))? == 0 {
                return Poll::Ready(Err(closed()));
            }
            self.hand_out()?;
        }
    }

    /// Hands out the replies that are there.
    fn hand_out(&mut self) -> RedisResult<()> {
        while let Some(len) = self.frames.next(&self.input)? {
            let frame = self.input.split_to(len).freeze();
            if frame.first() == Some(&b'>') && !self.push(&frame)? {
                continue;
            }
            // A reply that nobody waits for is dropped.
            if let Some(caller) = self.callers.pop_front().and_then(|caller| caller.answer(frame)) {
                self.callers.push_front(caller);
            }
        }
        Ok(())
    }

    /// Passes a pushed message on. Returns `true` if it is also a reply.
    fn push(&self, frame: &[u8]) -> RedisResult<bool> {
        let Value::Push { kind, data } = reply::value(frame)? else { return Ok(false) };
        let is_reply = matches!(
            kind,
            PushKind::Subscribe
                | PushKind::PSubscribe
                | PushKind::SSubscribe
                | PushKind::Unsubscribe
                | PushKind::PUnsubscribe
                | PushKind::SUnsubscribe
        );
        (self.on_push)(PushInfo { kind, data });
        Ok(is_reply)
    }
}

impl Future for MultiplexerTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let error = ready!(self.poll_exchange(context));
        let left = self.queue.close(error.clone());
        self.callers.drain(..).chain(left).for_each(|caller| caller.fail(error.clone()));
        (self.on_push)(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
        Poll::Ready(())
    }
}

impl Drop for MultiplexerTask {
    /// Fails the callers of a task that its runtime has dropped.
    fn drop(&mut self) {
        self.queue.close(closed()).into_iter().for_each(|caller| caller.fail(closed()));
    }
}
