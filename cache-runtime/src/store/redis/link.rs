//! One set of connections on one runtime, and what is known of it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult, Value};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::rt::io;
use crate::rt::stripe;
use crate::types::error::Error;

use super::conns::Conns;
use super::failure::{Failure, Verdict, describe, judge, source};
use super::request::Job;

/// A connection that is open but answers nothing is given up after this many commands in a row.
const TIMEOUTS: u32 = 3;

/// The state of a link. Only the supervisor raises it; a caller's report may lower it.
#[derive(Clone)]
pub(super) enum State {
    /// The first attempt is under way: worth waiting for.
    Connecting,
    /// Commands can be sent.
    Up(Arc<Conns>),
    /// They cannot; nothing is sent until the supervisor succeeds.
    Down {
        /// What was seen last.
        failure: Failure,
        /// When the supervisor last tried.
        at: Instant,
    },
    /// The runtime has no timers or no sockets, so that no connection can live there.
    Bare,
    /// The supervisor is gone, most often with its runtime.
    Dead,
}

/// What came of a command: an answer, or none in time.
pub(super) type Answer = Result<RedisResult<Value>, Late>;

/// There was no answer in time.
#[derive(Clone)]
pub(super) struct Late;

/// A set of connections with a supervisor.
pub(super) struct Link {
    state: watch::Sender<State>,
    supervisor: OnceLock<AbortHandle>,
    /// Commands in a row that were not answered.
    timeouts: AtomicU32,
    /// The epoch of [`State::Up`] plus one, zero in every other state: for who must not touch a lock.
    up: AtomicU64,
    /// The same as [`State::Dead`], for the lookup that every call makes.
    dead: AtomicBool,
    /// A write was refused because the server is a replica.
    misplaced: AtomicBool,
    /// Tells the supervisor so.
    doubt: Notify,
    /// A supervisor that is silent for longer than this lives on a runtime that nobody drives.
    silence: Duration,
    /// When the link was made.
    born: Instant,
}

impl Link {
    /// A link whose supervisor has not begun.
    pub(super) fn new(connect_timeout: Duration) -> Arc<Self> {
        let silence = connect_timeout.saturating_add(Duration::from_secs(2));
        Arc::new(Self {
            state: watch::Sender::new(State::Connecting),
            supervisor: OnceLock::new(),
            timeouts: AtomicU32::new(0),
            up: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            misplaced: AtomicBool::new(false),
            doubt: Notify::new(),
            silence,
            born: Instant::now(),
        })
    }

    /// Remembers the supervisor, to end it with the tier.
    pub(super) fn supervised_by(&self, supervisor: AbortHandle) {
        if let Err(second) = self.supervisor.set(supervisor) {
            second.abort();
        }
    }

    /// Ends the supervisor and closes the connections.
    pub(super) fn close(&self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.abort();
        }
        self.publish(State::Dead);
    }

    /// Whether the supervisor is gone.
    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Makes a new state known.
    pub(super) fn publish(&self, state: State) {
        if matches!(state, State::Dead) {
            self.dead.store(true, Ordering::Release);
        }
        self.timeouts.store(0, Ordering::Relaxed);
        self.misplaced.store(false, Ordering::Relaxed);
        let mut state = state;
        self.state.send_modify(|current| {
            self.up.store(up(&state), Ordering::Release);
            std::mem::swap(current, &mut state);
        });
        // The old state is dropped outside the lock: closing connections runs code that is not ours.
        drop(state);
    }

    /// MoveToBackground the link down, if it still uses the connections of that epoch.
    pub(super) fn lost(&self, epoch: u64, failure: Failure) {
        let mut down = State::Down { failure, at: Instant::now() };
        self.state.send_if_modified(|state| {
            let current = matches!(state, State::Up(conns) if conns.epoch == epoch);
            if current {
                self.up.store(up(&down), Ordering::Release);
                std::mem::swap(state, &mut down);
            }
            current
        });
    }

    /// Waits until the connections of that epoch are given up.
    pub(super) async fn until_lost(&self, epoch: u64) -> Failure {
        let mut states = self.state.subscribe();
        let lost = states.wait_for(|state| !matches!(state, State::Up(conns) if conns.epoch == epoch)).await;
        match lost.as_deref() {
            Ok(State::Down { failure, .. }) => failure.clone(),
            _ => Failure::unreachable("the connection was given up"),
        }
    }

    /// Waits until a write was refused because the server is a replica.
    pub(super) async fn until_misplaced(&self) {
        while !self.misplaced.swap(false, Ordering::Relaxed) {
            self.doubt.notified().await;
        }
    }

    /// The state once the first attempt is over, or [`State::Connecting`] when that takes longer than `limit`.
    pub(super) async fn settled(&self, limit: Duration) -> State {
        let now = self.state.borrow().clone();
        if !matches!(now, State::Connecting) {
            return now;
        }
        let mut states = self.state.subscribe();
        let Ok(own) = io::handle() else { return State::Connecting };
        // The timer is larder's: the caller's runtime may have none, or nobody may be driving it.
        let wait = own.spawn(async move {
            let settled = states.wait_for(|state| !matches!(state, State::Connecting));
            tokio::time::timeout(limit, settled).await.ok()?.map(|state| state.clone()).ok()
        });
        wait.await.ok().flatten().unwrap_or(State::Connecting)
    }

    /// The attempt whose connections are up.
    pub(super) fn epoch(&self) -> Option<u64> {
        self.up.load(Ordering::Acquire).checked_sub(1)
    }

    /// A connection that is up, and the attempt that made it.
    pub(super) fn pick(&self, place: usize) -> Option<(MultiplexedConnection, u64)> {
        match &*self.state.borrow() {
            State::Up(conns) => Some((conns.pick(place), conns.epoch)),
            _ => None,
        }
    }

    /// Carries out a job on this link. Hands it back when the link cannot, and another one may.
    pub(super) async fn perform(&self, mut job: Box<Job>) -> Result<Result<Value, Error>, Box<Job>> {
        if let Some((conn, epoch)) = self.pick(stripe::index()) {
            return Ok(self.exchange(conn, epoch, &job).await);
        }
        let started = Instant::now();
        let state = self.settled(job.left).await;
        job.left = job.left.saturating_sub(started.elapsed());
        match state {
            State::Up(conns) => Ok(self.exchange(conns.pick(stripe::index()), conns.epoch, &job).await),
            State::Down { at, .. } if at.elapsed() > self.silence => Err(job),
            State::Down { failure, .. } => Ok(Err(failure.error())),
            State::Connecting if self.born.elapsed() > self.silence => Err(job),
            State::Connecting => Ok(Err(job.timeout())),
            State::Bare | State::Dead => Err(job),
        }
    }

    async fn exchange(&self, mut conn: MultiplexedConnection, epoch: u64, job: &Job) -> Result<Value, Error> {
        let answer = send(&mut conn, job).await;
        self.judge(answer, epoch, job)
    }

    /// Draws the conclusions from an answer, or from the lack of one.
    pub(super) fn judge(&self, answer: Answer, epoch: u64, job: &Job) -> Result<Value, Error> {
        match answer {
            Ok(answer) => {
                answer.inspect(|_| self.answered()).map_err(|error| self.failed(epoch, &error, job))
            }
            Err(Late) => {
                if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TIMEOUTS {
                    self.lost(epoch, Failure::no_answer(job.limit));
                }
                Err(job.timeout())
            }
        }
    }

    /// The server answered, be it with an error.
    pub(super) fn answered(&self) {
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }

    fn failed(&self, epoch: u64, error: &RedisError, job: &Job) -> Error {
        match judge(error) {
            Verdict::Rebuild => {
                let failure = Failure::from_redis(error);
                self.lost(epoch, failure.clone());
                failure.error()
            }
            verdict => {
                self.answered();
                if verdict == Verdict::Misplaced && !self.misplaced.swap(true, Ordering::Relaxed) {
                    self.doubt.notify_one();
                }
                Error::Redis { step: job.step, message: describe(error), source: source(error) }
            }
        }
    }
}

/// Sends a command and waits for its answer, as long as the job allows.
pub(super) async fn send(conn: &mut MultiplexedConnection, job: &Job) -> Answer {
    // Pinned here and passed on by reference: it is large, and would be moved several times.
    let answer = pin!(job.request.send(conn));
    tokio::time::timeout(job.left, answer).await.map_err(|_| Late)
}

/// What [`Link::epoch`] is made of.
fn up(state: &State) -> u64 {
    match state {
        State::Up(conns) => conns.epoch + 1,
        _ => 0,
    }
}
