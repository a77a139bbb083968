//! The crew: the workers, each behind its own proxy where there is one server, and the database that they read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::chance::Chance;
use crate::limits;
use crate::redis::Redis;
use crate::who::Who;
use crate::wire::{Act, Down, Outcome, Up, Wire, line};
use crate::world::World;
use support::process::Process;
use support::proxy::FaultProxy;

/// The share of failing computations, in percent.
const FAILING: u64 = 5;

/// All workers.
pub struct Crew {
    pub world: Arc<World>,
    pub seats: Vec<Seat>,
    port: u16,
    url: String,
    prefix: String,
    local: bool,
    chance: Mutex<Chance>,
}

/// The place of one worker over its restarts.
pub struct Seat {
    /// The line to the server, if there is one server.
    pub line: Option<FaultProxy>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    life: u64,
    /// The connection to the worker, once it is connected.
    out: Option<mpsc::UnboundedSender<String>>,
    waiting: HashMap<u64, oneshot::Sender<Outcome>>,
    is_paused: bool,
    resumed: Option<Instant>,
}

impl Crew {
    /// Starts all workers.
    pub async fn start(world: Arc<World>, redis: &Redis, workers: usize, local: bool) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let mut seats = Vec::new();
        for _ in 0..workers {
            let line = match redis.server() {
                Some(server) => Some(FaultProxy::start(server.port()).await),
                None => None,
            };
            seats.push(Seat { line, state: Mutex::default() });
        }
        let chance = Mutex::new(Chance::new(world.seed, 1));
        let prefix = format!("register-{}", std::process::id());
        let crew = Arc::new(Self { world, seats, port, url: redis.url(), prefix, local, chance });
        tokio::spawn(Arc::clone(&crew).receive(listener));
        for index in 0..workers {
            crew.hire(index);
        }
        crew
    }

    /// Starts the worker of a free place.
    pub fn hire(&self, index: usize) {
        let mut state = self.seats[index].state();
        state.life += 1;
        let args = [
            "worker".to_owned(),
            index.to_string(),
            state.life.to_string(),
            self.port.to_string(),
            self.seats[index].line.as_ref().map_or_else(|| self.url.clone(), FaultProxy::url),
            self.prefix.clone(),
            self.local.to_string(),
        ];
        state.process = Some(Process::start(args));
    }

    /// Kills a worker (SIGKILL).
    pub fn kill(&self, index: usize) {
        let mut state = self.seats[index].state();
        if let Some(mut process) = state.process.take() {
            process.kill();
        }
        (state.out, state.is_paused) = (None, false);
        let who = Who { index, life: state.life };
        for number in self.world.enlist(who, false) {
            self.world.end(number, &Outcome::Killed, true);
        }
        for (_, waiting) in state.waiting.drain() {
            // The waiting task may be gone.
            let _ = waiting.send(Outcome::Killed);
        }
    }

    /// Stops a worker (SIGSTOP), or continues it.
    pub fn pause(&self, index: usize, pause: bool) {
        let mut state = self.seats[index].state();
        let Some(process) = &state.process else { return };
        if pause {
            process.pause();
        } else {
            process.resume();
        }
        state.is_paused = pause;
        state.resumed = Some(Instant::now());
    }

    /// Returns true if a worker is connected.
    pub fn is_there(&self, index: usize) -> bool {
        self.seats[index].state().out.is_some()
    }

    /// Makes a worker act, and drop the act after so many milliseconds; `None` when the worker is not connected, or when
    /// another act writes to the keys.
    pub async fn perform(&self, index: usize, act: Act, patience: Option<u64>) -> Option<Outcome> {
        let began = Instant::now();
        let (number, mut answered) = {
            let mut state = self.seats[index].state();
            let out = state.out.clone()?;
            let (number, act) = self.world.begin(Who { index, life: state.life }, act, patience.is_some())?;
            let (answer, answered) = oneshot::channel();
            state.waiting.insert(number, answer);
            // If sending fails the worker is gone, which is noticed elsewhere.
            let _ = out.send(line(&Down::Act(number, act, patience)));
            (number, answered)
        };
        loop {
            if let Ok(outcome) = tokio::time::timeout(Duration::from_millis(250), &mut answered).await {
                return Some(outcome.unwrap_or(Outcome::Killed));
            }
            let state = self.seats[index].state();
            let took = state.resumed.map_or(began, |resumed| resumed.max(began)).elapsed();
            if !state.is_paused && took > limits::ACT {
                self.world.hangs(number, took);
            }
        }
    }

    async fn receive(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&self).listen(stream));
        }
    }

    async fn listen(self: Arc<Self>, stream: TcpStream) {
        let mut wire = Wire::new(stream);
        let mut who = None;
        while let Ok(Some(text)) = wire.lines.next_line().await {
            match (serde_json::from_str(&text).expect("a message"), who) {
                (Up::Hello(index, life), _) => {
                    let mut state = self.seats[index].state();
                    if state.life != life || state.process.is_none() {
                        return;
                    }
                    self.world.enlist(Who { index, life }, true);
                    state.out = Some(wire.out.clone());
                    who = Some(Who { index, life });
                }
                (Up::Done(number, outcome, store_failure), Some(who)) => {
                    if self.world.end(number, &outcome, store_failure) {
                        let waiting = self.seats[who.index].state().waiting.remove(&number);
                        // At the end no task waits for the act.
                        let _ = waiting.map(|waiting| waiting.send(outcome));
                    }
                }
                (Up::Read(question, key, act), Some(who)) => {
                    let (fails, delay) = self.database();
                    if let Some((origin, answer)) = self.world.compute(who, act, key, fails) {
                        let (world, out) = (Arc::clone(&self.world), wire.out.clone());
                        tokio::spawn(async move {
                            tokio::time::sleep(delay).await;
                            world.computed(origin);
                            // The worker may be gone.
                            let _ = out.send(line(&Down::Read(question, answer)));
                        });
                    }
                }
                (Up::StoreFailed, Some(who)) => {
                    self.world.lock().crew[who.index].store_failure = Some(Instant::now());
                }
                (_, None) => panic!("a worker says who it is first"),
            }
        }
    }

    /// Decides on a failure of the database and its duration.
    fn database(&self) -> (bool, Duration) {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let fails = chance.percent(FAILING);
        let longest = limits::READ.as_micros() as u64;
        let (from, to) = chance.weigh(&[
            (60, (0, 2000)),
            (30, (2000, 20_000)),
            (8, (20_000, 100_000)),
            (2, (100_000, longest)),
        ]);
        (fails, Duration::from_micros(chance.between(from, to)))
    }
}

impl Seat {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
