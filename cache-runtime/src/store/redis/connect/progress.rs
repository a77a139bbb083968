//! The progress of a connection: the moment at which bytes passed, which commands that wait for replies go by.

use std::pin::{Pin, pin};
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

#[cfg(feature = "axum")]
use crate::rt::io;

/// The number of time limits for which a command waits while bytes arrive.
const MOST: u32 = 20;
/// The part of a time limit that the task of the connection has to look for bytes before a wait ends.
const LOOK: u32 = 16;
/// The number of bytes of a greeting that are shown.
const GREETING: usize = 40;

/// The progress of one connection.
#[derive(Debug)]
pub(super) struct Progress {
    opened: Instant,
    /// The moment of the last progress, in nanoseconds after `opened`.
    last: AtomicU64,
    /// The connection was given up.
    is_over: AtomicBool,
    /// The task of the connection is to look for bytes. On a busy runtime they may be there although nobody has read them.
    is_to_look: AtomicBool,
    /// The moment at which the task was last asked to look, as `last`.
    asked: AtomicU64,
    /// The time that the last look took to begin, in nanoseconds.
    delay: AtomicU64,
    /// Wakes the task of the connection.
    task: OnceLock<Waker>,
    /// The first bytes of the server.
    greeting: OnceLock<Box<[u8]>>,
    /// The explanation of the failure that ended the connection.
    failure: OnceLock<Box<str>>,
}

/// There was no reply in time.
#[derive(Debug, Clone)]
pub(super) struct TimedOut {
    /// The limit that was reached.
    pub(super) limit: Duration,
    pub(super) cause: Lateness,
}

/// The reason why a reply did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lateness {
    /// Nothing arrived.
    Silent,
    /// Bytes arrived until the end.
    Slow,
    /// This process was too busy to look.
    Busy,
    /// The connection was given up.
    Over,
}

/// A wait for a reply.
#[derive(Debug)]
struct ReplyWait {
    began: Instant,
    /// The time without progress after which it ends.
    limit: Duration,
    /// The moment that the timer was set to.
    timer: Instant,
    /// The task of the connection was asked to look.
    has_asked: bool,
}

/// The state of a wait whose timer has fired.
#[derive(Debug)]
enum NextLook {
    GoOn(Instant),
    End(TimedOut),
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            last: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_to_look: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            delay: AtomicU64::new(0),
            task: OnceLock::new(),
            greeting: OnceLock::new(),
            failure: OnceLock::new(),
        }
    }

    /// Records that bytes have passed.
    pub(super) fn note(&self) {
        self.last.store(self.nanoseconds(Instant::now()), Relaxed);
    }

    /// Records the first bytes of the server.
    pub(super) fn greet(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            // Set once: only the first read comes here.
            let _ = self.greeting.set(bytes[..bytes.len().min(GREETING)].into());
        }
    }

    /// Returns the first line of the server, as far as it can be shown.
    pub(super) fn greeting(&self) -> Option<String> {
        let bytes = self.greeting.get()?;
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        Some(line.escape_ascii().to_string())
    }

    /// Records the explanation of the failure that ended the connection.
    #[cfg(feature = "tls")]
    pub(super) fn fail(&self, explanation: String) {
        // The first failure is the cause of later ones.
        let _ = self.failure.set(explanation.into());
    }

    /// Returns the explanation of the failure that ended the connection, if there is one.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(|explanation| &**explanation)
    }

    /// Records that the connection was given up: commands that wait for replies end with the next look at the time.
    pub(super) fn end(&self) {
        self.is_over.store(true, Relaxed);
    }

    /// Runs the task of the connection.
    pub(super) async fn drive(self: Arc<Self>, driver: impl Future<Output = ()>) {
        let mut driver = pin!(driver);
        std::future::poll_fn(|context| {
            if self.task.get().is_none() {
                // The waker of a task stays the same.
                let _ = self.task.set(context.waker().clone());
            }
            let is_to_look = self.is_to_look.load(Relaxed);
            if is_to_look {
                let delay = self.nanoseconds(Instant::now()).saturating_sub(self.asked.load(Relaxed));
                self.delay.store(delay, Relaxed);
            }
            let polled = driver.as_mut().poll(context);
            if is_to_look {
                self.is_to_look.store(false, Release);
            }
            polled
        })
        .await;
    }

    /// Waits for a reply: for `limit` after the later of `began` and the last progress, and at most for twenty times as long.
    pub(super) async fn wait<F: Future>(
        &self,
        began: Instant,
        limit: Duration,
        // By reference: the future is large, and would be moved several times.
        mut reply: Pin<&mut F>,
    ) -> Result<F::Output, TimedOut> {
        let mut wait = ReplyWait::new(began, limit);
        let mut timer = pin!(sleep_until(wait.timer));
        std::future::poll_fn(|context| {
            if let Poll::Ready(reply) = reply.as_mut().poll(context) {
                return Poll::Ready(Ok(reply));
            }
            loop {
                ready!(timer.as_mut().poll(context));
                match self.next_look(&mut wait, Instant::now()) {
                    NextLook::GoOn(next) => timer.as_mut().reset(next),
                    NextLook::End(end) => return Poll::Ready(Err(end)),
                }
            }
        })
        .await
    }

    /// [`Progress::wait`] on any executor, from now.
    #[cfg(feature = "axum")]
    pub(super) async fn wait_anywhere<F: Future>(
        &self,
        limit: Duration,
        mut reply: Pin<&mut F>,
    ) -> Result<F::Output, TimedOut> {
        let mut wait = ReplyWait::new(Instant::now(), limit);
        loop {
            let left = wait.timer.saturating_duration_since(Instant::now());
            if let Some(reply) = io::timeout(left, reply.as_mut()).await {
                return Ok(reply);
            }
            if let NextLook::End(end) = self.next_look(&mut wait, Instant::now()) {
                return Err(end);
            }
        }
    }

    /// Decides whether a wait goes on, and sets its timer.
    fn next_look(&self, wait: &mut ReplyWait, now: Instant) -> NextLook {
        let next = self.decide(wait, now);
        if let NextLook::GoOn(timer) = next {
            wait.timer = timer;
        }
        next
    }

    /// A wait goes on while bytes arrive. It does not end before the task of the connection has looked for them without a delay:
    /// a task that is late may not even have sent the command.
    fn decide(&self, wait: &mut ReplyWait, now: Instant) -> NextLook {
        let (began, limit, look) = (wait.began, wait.limit, wait.limit / LOOK);
        let latest = began + limit * MOST;
        let last = self.opened + Duration::from_nanos(self.last.load(Relaxed));
        let due = (began.max(last) + limit).min(latest);
        let end = |limit, cause| NextLook::End(TimedOut { limit, cause });
        let is_on_time = now <= wait.timer + look;
        if now >= latest {
            let is_slow = is_on_time && last + limit >= latest;
            return end(limit * MOST, if is_slow { Lateness::Slow } else { Lateness::Busy });
        }
        if self.is_over.load(Relaxed) {
            return end(limit, Lateness::Over);
        }
        if now + look < due {
            wait.has_asked = false;
            return NextLook::GoOn(due - look);
        }
        if wait.has_asked && self.is_to_look.load(Acquire) {
            return NextLook::GoOn(due.max(now + look));
        }
        let is_prompt = is_on_time && Duration::from_nanos(self.delay.load(Relaxed)) <= look;
        if std::mem::replace(&mut wait.has_asked, true) && is_prompt && now >= due {
            return end(limit, Lateness::Silent);
        }
        self.ask_to_look(now);
        NextLook::GoOn(due.max(now + look))
    }

    fn ask_to_look(&self, now: Instant) {
        if !self.is_to_look.load(Relaxed) {
            self.asked.store(self.nanoseconds(now), Relaxed);
            self.is_to_look.store(true, Relaxed);
        }
        self.task.get().inspect(|task| task.wake_by_ref());
    }

    fn nanoseconds(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.opened).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl ReplyWait {
    fn new(began: Instant, limit: Duration) -> Self {
        Self { began, limit, timer: began + (limit - limit / LOOK), has_asked: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(160);

    /// A progress with the last bytes at `last`, and a wait that began with it.
    fn waiting(last: u64) -> (Progress, ReplyWait) {
        let progress = Progress::new();
        progress.last.store(last * 1_000_000, Relaxed);
        let began = progress.opened;
        (progress, ReplyWait::new(began, LIMIT))
    }

    /// The milliseconds until which the wait goes on.
    fn until(progress: &Progress, wait: &mut ReplyWait, now: u64) -> Result<u128, TimedOut> {
        match progress.next_look(wait, progress.opened + Duration::from_millis(now)) {
            NextLook::GoOn(next) => Ok(next.duration_since(progress.opened).as_millis()),
            NextLook::End(end) => Err(end),
        }
    }

    /// The task of the connection looks after this many milliseconds.
    fn look(progress: &Progress, delay: u64) {
        assert!(progress.is_to_look.swap(false, Relaxed));
        progress.delay.store(delay * 1_000_000, Relaxed);
    }

    #[test]
    fn a_silent_connection_is_waited_for_once_the_limit() {
        let (progress, mut wait) = waiting(0);
        assert_eq!(until(&progress, &mut wait, 150).ok(), Some(160));
        look(&progress, 0);
        let end = until(&progress, &mut wait, 160).expect_err("it has looked");
        assert_eq!((end.limit, end.cause), (LIMIT, Lateness::Silent));
    }

    #[test]
    fn a_wait_goes_on_for_one_limit_after_each_byte() {
        let (progress, mut wait) = waiting(100);
        assert_eq!(until(&progress, &mut wait, 150).ok(), Some(250));
        progress.last.store(3_190_000_000, Relaxed);
        assert_eq!(until(&progress, &mut wait, 3_000).ok(), Some(3_190));
        let end = until(&progress, &mut wait, 3_200).expect_err("twenty times the limit");
        assert_eq!((end.limit, end.cause), (LIMIT * 20, Lateness::Slow));
    }

    #[test]
    fn a_wait_does_not_end_before_the_task_has_looked_in_time() {
        let (progress, mut wait) = waiting(0);
        assert_eq!(until(&progress, &mut wait, 150).ok(), Some(160));
        assert_eq!(until(&progress, &mut wait, 160).ok(), Some(170));
        look(&progress, 15);
        assert_eq!(until(&progress, &mut wait, 170).ok(), Some(180), "it looked late");
        look(&progress, 0);
        assert_eq!(until(&progress, &mut wait, 500).ok(), Some(510), "this task is late itself");
        look(&progress, 0);
        progress.last.store(505_000_000, Relaxed);
        assert_eq!(until(&progress, &mut wait, 510).ok(), Some(655), "it found bytes");
        let end = until(&progress, &mut wait, 3_300).expect_err("too late");
        assert_eq!(end.cause, Lateness::Busy);
        progress.end();
        assert!(until(&progress, &mut wait, 520).is_err());
    }

    #[test]
    fn a_greeting_is_one_line_that_can_be_shown() {
        let progress = Progress::new();
        assert_eq!(progress.greeting(), None);
        progress.greet(b"HTTP/1.1 400 Bad Request\r\nserver: x\r\n");
        progress.greet(b"later");
        assert_eq!(progress.greeting().as_deref(), Some("HTTP/1.1 400 Bad Request"));
    }
}
