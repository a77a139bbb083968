//! One set of connections on one runtime, and what is known of it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::{RedisError, Value};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::error::Error;
use crate::io;

use super::conns::Conns;
use super::failure::{Failure, Verdict, describe, judge};
use super::request::Job;

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

/// A set of connections with a supervisor.
pub(super) struct Link {
    state: watch::Sender<State>,
    supervisor: OnceLock<AbortHandle>,
    /// A supervisor that is silent for longer than this lives on a runtime that nobody drives.
    silence: Duration,
}

impl Link {
    /// A link whose supervisor has not begun.
    pub(super) fn new(connect_timeout: Duration) -> Arc<Self> {
        let silence = connect_timeout + Duration::from_secs(2);
        Arc::new(Self { state: watch::Sender::new(State::Connecting), supervisor: OnceLock::new(), silence })
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
        matches!(*self.state.borrow(), State::Dead)
    }

    /// Makes a new state known.
    pub(super) fn publish(&self, state: State) {
        // The old state is dropped outside the lock: closing connections runs code that is not ours.
        drop(self.state.send_replace(state));
    }

    /// Takes the link down, if it still uses the connections of that epoch.
    pub(super) fn lost(&self, epoch: u64, failure: Failure) {
        let mut down = State::Down { failure, at: Instant::now() };
        self.state.send_if_modified(|state| {
            let current = matches!(state, State::Up(conns) if conns.epoch == epoch);
            if current {
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

    /// The state once the first attempt is over, or [`State::Connecting`] when that takes longer than `limit`.
    pub(super) async fn settled(&self, limit: Duration) -> State {
        let mut states = self.state.subscribe();
        // The timer is not this runtime's: that may have none, or nobody may be driving it.
        let settled = io::timeout(limit, async move {
            states.wait_for(|state| !matches!(state, State::Connecting)).await.map(|state| state.clone())
        });
        match settled.await {
            Some(Ok(state)) => state,
            Some(Err(_)) | None => State::Connecting,
        }
    }

    /// Carries out a job on this link. Hands it back when the link cannot, and another one may.
    pub(super) async fn perform(&self, mut job: Job) -> Result<Result<Value, Error>, Job> {
        let mut state = self.state.borrow().clone();
        if matches!(state, State::Connecting) {
            let started = Instant::now();
            state = self.settled(job.left).await;
            job.left = job.left.saturating_sub(started.elapsed());
        }
        match state {
            State::Up(conns) => Ok(self.exchange(&conns, &job).await),
            State::Down { at, .. } if at.elapsed() > self.silence => Err(job),
            State::Down { failure, .. } => Ok(Err(failure.error())),
            State::Connecting => Ok(Err(job.timeout())),
            State::Bare | State::Dead => Err(job),
        }
    }

    async fn exchange(&self, conns: &Conns, job: &Job) -> Result<Value, Error> {
        let mut conn = conns.pick();
        match tokio::time::timeout(job.left, job.request.send(&mut conn)).await {
            Ok(answer) => answer.inspect(|_| conns.answered()).map_err(|error| self.failed(conns, &error, job)),
            Err(_) => {
                if conns.timed_out() {
                    self.lost(conns.epoch, Failure::no_answer(job.limit));
                }
                Err(job.timeout())
            }
        }
    }

    fn failed(&self, conns: &Conns, error: &RedisError, job: &Job) -> Error {
        match judge(error) {
            Verdict::Rebuild => {
                let failure = Failure::from_redis(error);
                self.lost(conns.epoch, failure.clone());
                failure.error()
            }
            Verdict::Refused => {
                conns.answered();
                Error::Redis { step: job.step, message: describe(error) }
            }
        }
    }
}
