//! The world: the knowledge of the coordinator, and the checks of all results.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::failovers::Failovers;
use crate::keys;
use crate::limits;
use crate::overlap::Computation;
use crate::redis::Redis;
use crate::register::{Floor, Register};
use crate::story::Story;
use crate::who::Who;
use crate::wire::{Act, Broken, Key, Outcome, Reading};

/// The time by which a worker may end a computation later than the database answered: it was stopped, or is slow.
const LINGERS: Duration = Duration::from_secs(5);

/// The knowledge that all tasks of the coordinator share.
pub struct World {
    known: Mutex<Known>,
    pub seed: u64,
    local: bool,
    redis: Arc<Redis>,
}

pub(crate) struct Known {
    pub(crate) registers: BTreeMap<Key, Register>,
    /// All readings, by origin.
    origins: HashMap<u64, Origin>,
    /// All acts, by number.
    acts: Vec<Begun>,
    running: HashMap<u64, Running>,
    pub(crate) crew: Vec<Mate>,
    pub(crate) story: Story,
    /// The time since the last fault ended.
    pub(crate) calm: Option<Instant>,
    /// The time when Redis last lost all keys.
    pub(crate) lost: Option<Instant>,
    pub(crate) failovers: Failovers,
    pub(crate) counts: Counts,
}

struct Origin {
    key: Key,
    version: u64,
    /// The computation unless the reading was a put, with the time of its end.
    who: Option<Who>,
    failed: bool,
    ended: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Begun {
    act: Act,
    at: Instant,
    is_brief: bool,
}

struct Running {
    act: Act,
    who: Who,
    began: Instant,
    /// The version that a call must reach.
    floor: u64,
    /// The version that it must reach without the store, too: those of its own process.
    own_floor: u64,
    /// The version that a write establishes when it succeeds.
    writes: Vec<(Key, u64)>,
}

/// The knowledge of a worker.
pub(crate) struct Mate {
    pub(crate) life: u64,
    pub(crate) is_alive: bool,
    /// The time of the last failure of the store.
    pub(crate) store_failure: Option<Instant>,
}

impl World {
    pub fn new(seed: u64, workers: usize, local: bool, redis: Arc<Redis>) -> Self {
        let mate = |_| Mate { life: 0, is_alive: false, store_failure: None };
        let known = Known {
            registers: keys::all().map(|key| (key, Register::new())).collect(),
            origins: HashMap::new(),
            acts: Vec::new(),
            running: HashMap::new(),
            crew: (0..workers).map(mate).collect(),
            story: Story::new(Instant::now()),
            calm: None,
            lost: None,
            failovers: Failovers::new(redis.epoch()),
            counts: Counts::default(),
        };
        Self { known: Mutex::new(known), seed, local, redis }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an act; `None` when another act writes to the same keys.
    pub fn begin(&self, who: Who, act: Act, is_brief: bool) -> Option<(u64, Act)> {
        let mut known = self.lock();
        let known = &mut *known;
        let written = keys::written(act);
        let now = Instant::now();
        if written.iter().any(|key| known.registers[key].is_written(now)) {
            return None;
        }
        let number = known.acts.len() as u64;
        let mut act = act;
        let mut writes = Vec::new();
        for key in &written {
            let register = known.registers.get_mut(key).expect("it is one of all");
            register.writing += 1;
            // The database is written before the invalidation, as in a real program. An expiry writes nothing.
            if !matches!(act, Act::Expire(_) | Act::Refresh(_)) {
                register.version += 1;
                writes.push((*key, register.version));
            }
        }
        if let Act::Put(key, reading) = &mut act {
            *reading = Reading { version: known.registers[key].version, origin: known.origins.len() as u64 };
            let origin =
                Origin { key: *key, version: reading.version, who: None, failed: false, ended: None };
            known.origins.insert(reading.origin, origin);
        }
        let key = keys::called(act);
        let behind = if self.local { known.behind(who) } else { Duration::ZERO };
        let own_floor = key.map_or(0, |key| known.registers[&key].own_floor(who));
        let floor = key.map_or(0, |key| known.registers[&key].floor(now, behind)).max(own_floor);
        for key in key.into_iter().chain(written) {
            known.story.add(Some(key), format!("{who} act {number}: {act:?} begins, floor {floor}"));
        }
        known.acts.push(Begun { act, at: now, is_brief });
        known.running.insert(number, Running { act, who, began: now, floor, own_floor, writes });
        Some((number, act))
    }

    /// Ends an act, and returns true if the act was still expected.
    pub fn end(&self, number: u64, outcome: &Outcome, store_failure: bool) -> bool {
        let mut known = self.lock();
        let known = &mut *known;
        let Some(running) = known.running.remove(&number) else { return false };
        let Running { act, who, .. } = running;
        let now = Instant::now();
        for key in keys::written(act) {
            known.story.add(Some(key), format!("{who} act {number}: {act:?} ends: {outcome:?}"));
            let register = known.registers.get_mut(&key).expect("it is one of all");
            register.writing -= 1;
            register.written = Some(now);
            match outcome {
                Outcome::Done | Outcome::Value(_) => {}
                _ => register.failed = Some(now),
            }
            if matches!((act, outcome), (Act::Put(..), Outcome::Abandoned)) {
                register.held = Some(now + limits::HELD);
            }
        }
        if !running.writes.is_empty() {
            known.counts.writes += 1;
            let is_done = *outcome == Outcome::Done;
            known.counts.refused += u64::from(!is_done);
            known.counts.dropped += u64::from(*outcome == Outcome::Abandoned);
            for (key, version) in running.writes.iter().filter(|_| *outcome != Outcome::Killed) {
                let floor = Floor { at: now, version: *version, who, is_done };
                known.registers.get_mut(key).expect("it is one of all").floors.push(floor);
            }
        }
        if let Some(key) = keys::called(act) {
            known.story.add(Some(key), format!("{who} act {number}: {outcome:?}"));
            self.judge(known, number, &running, key, outcome, store_failure);
        }
        true
    }

    /// Begins a computation, and returns its reading and its number.
    pub fn compute(
        &self,
        who: Who,
        act: u64,
        key: Key,
        fails: bool,
    ) -> Option<(u64, Result<Reading, Broken>)> {
        let mut known = self.lock();
        let known = &mut *known;
        let mate = &known.crew[who.index];
        if !mate.is_alive || mate.life != who.life {
            return None;
        }
        let begun = known.acts[usize::try_from(act).expect("a number")];
        let origin = known.origins.len() as u64;
        let now = Instant::now();
        let is_concurrent = known.registers[&key].concurrent.is_some_and(|until| until > now);
        let computation = Computation {
            origin,
            who,
            act: begun.act,
            is_brief: begun.is_brief,
            act_began: begun.at,
            began: now,
            is_concurrent,
        };
        known.story.add(Some(key), format!("{who} act {act}: computation {origin} begins"));
        if let Some(other) = known.overlap(key, &computation) {
            let text = format!("{key:?} is computed twice at a time: {other:?} and {computation:?}");
            self.violated(known, Some(key), "S2", &text);
        }
        let register = known.registers.get_mut(&key).expect("it is one of all");
        register.computing.push(computation);
        let version = register.version;
        known.counts.computations += 1;
        known.origins.insert(origin, Origin { key, version, who: Some(who), failed: fails, ended: None });
        Some((origin, if fails { Err(Broken(origin)) } else { Ok(Reading { version, origin }) }))
    }

    /// Ends a computation whose answer is about to be sent.
    pub fn computed(&self, origin: u64) {
        let mut known = self.lock();
        let known = &mut *known;
        let Some(made) = known.origins.get_mut(&origin) else { return };
        made.ended = Some(Instant::now());
        let (key, version, failed) = (made.key, made.version, made.failed);
        let calm = known.calm.is_some_and(|calm| calm.elapsed() > LINGERS);
        let register = known.registers.get_mut(&key).expect("it is one of all");
        let place = register.computing.iter().position(|other| other.origin == origin);
        let ended = place.map(|place| register.computing.swap_remove(place));
        if failed && let Some(ended) = ended {
            let until = Instant::now() + limits::concurrent_after(ended.began.elapsed(), calm);
            register.concurrent = register.concurrent.max(Some(until));
        }
        let what = if failed { "fails".to_owned() } else { format!("read version {version}") };
        known.story.add(Some(key), format!("computation {origin} {what}"));
    }

    /// Notes that a worker connected or is gone.
    pub fn enlist(&self, who: Who, is_alive: bool) -> Vec<u64> {
        let mut known = self.lock();
        let known = &mut *known;
        known.crew[who.index] = Mate { life: who.life, is_alive, store_failure: Some(Instant::now()) };
        known.story.add(None, format!("{who} {}", if is_alive { "is there" } else { "was killed" }));
        if is_alive {
            return Vec::new();
        }
        for register in known.registers.values_mut() {
            register.computing.retain(|computation| computation.who != who);
        }
        known.running.iter().filter(|(_, running)| running.who == who).map(|(number, _)| *number).collect()
    }

    /// Notes the beginning or the end of a fault.
    pub fn fault(&self, text: &str) {
        let mut known = self.lock();
        known.counts.faults += 1;
        known.story.add(None, format!("-- {text}"));
    }

    /// The version in the database.
    pub fn version(&self, key: Key) -> u64 {
        self.lock().registers[&key].version
    }

    /// The version that an invalidation without success must establish in the end, because its process still lives.
    pub fn owed(&self, key: Key) -> u64 {
        let known = self.lock();
        let lives = |who: Who| known.crew[who.index].is_alive && known.crew[who.index].life == who.life;
        let is_owed = |floor: &&Floor| !floor.is_done && lives(floor.who) && !known.failovers.may_lose(floor);
        let owed = known.registers[&key].floors.iter().filter(is_owed);
        owed.map(|floor| floor.version).max().unwrap_or(0)
    }

    /// The origin that later readings reach or exceed.
    pub fn next_origin(&self) -> u64 {
        self.lock().origins.len() as u64
    }

    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Checks S1 and S4.
    fn judge(
        &self,
        known: &mut Known,
        number: u64,
        running: &Running,
        key: Key,
        outcome: &Outcome,
        store_failure: bool,
    ) {
        known.counts.calls += 1;
        match outcome {
            Outcome::Value(reading) => {
                let origin = known.origins.get(&reading.origin);
                let Some(origin) =
                    origin.filter(|origin| origin.key == key && origin.version == reading.version)
                else {
                    let text = format!("act {number} got {reading:?}, which is no reading of {key:?}");
                    self.violated(known, Some(key), "S1", &text)
                };
                let before = origin.ended.is_some_and(|ended| ended < running.began);
                known.counts.hits += u64::from(before);
                if reading.version >= running.floor {
                    return;
                }
                // The call could not reach the store, and joined a running computation of its process. Of the invalidations
                // of its own process it knows all the same.
                let is_blind = store_failure && reading.version >= running.own_floor;
                if is_blind && origin.who == Some(running.who) && origin.lingers(running.began) {
                    known.counts.blind += 1;
                    return;
                }
                let missed = (reading.version, running.floor);
                let may_lose =
                    |known: &Known| known.failovers.may_lose_all(&known.registers[&key], running.who, missed);
                if may_lose(known) || self.has_unplanned(known) && may_lose(known) {
                    known.counts.lost += 1;
                    return;
                }
                let text = format!(
                    "act {number} in {} began when version {} of {key:?} was invalidated, and got {reading:?}",
                    running.who, running.floor
                );
                self.violated(known, Some(key), "S1", &text);
            }
            Outcome::Failed(Broken(origin)) => {
                known.counts.failures += 1;
                let made = known.origins.get(origin);
                let its_own =
                    made.is_some_and(|made| made.failed && made.key == key && made.lingers(running.began));
                if !its_own {
                    let text = format!(
                        "act {number} got the error of computation {origin}, which is none of its time"
                    );
                    self.violated(known, Some(key), "S4", &text);
                }
            }
            Outcome::Done | Outcome::Refused(_) | Outcome::Abandoned | Outcome::Killed => {}
        }
    }

    /// Returns true if the servers have failed over by themselves.
    fn has_unplanned(&self, known: &mut Known) -> bool {
        let has_unplanned = known.failovers.has_unplanned(self.redis.epoch());
        known.counts.unplanned += u64::from(has_unplanned);
        has_unplanned
    }

    /// Prints the story, and ends the test.
    pub(crate) fn violated(&self, known: &Known, key: Option<Key>, property: &str, text: &str) -> ! {
        eprintln!("{}", known.story.tell(key));
        eprintln!("{property} VIOLATED, seed {}: {text}", self.seed);
        std::process::exit(1);
    }

    /// Checks S3: an act that does not end.
    pub fn hangs(&self, number: u64, took: Duration) -> ! {
        let known = self.lock();
        let running = &known.running[&number];
        let text =
            format!("act {number} in {}, {:?}, has not ended after {took:?}", running.who, running.act);
        self.violated(&known, keys::called(running.act), "S3", &text);
    }
}

impl Known {
    /// The maximal delay of the local tier of a worker.
    fn behind(&self, who: Who) -> Duration {
        let is_calm = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() > LINGERS);
        let is_quiet = self.crew[who.index].store_failure.is_none_or(|at| at.elapsed() > LINGERS);
        if is_calm(self.calm) && is_quiet { limits::TOLD } else { limits::BEHIND }
    }
}

impl Origin {
    /// Returns true if the computation may have run at a moment or later.
    fn lingers(&self, moment: Instant) -> bool {
        self.ended.is_none_or(|ended| ended + LINGERS >= moment)
    }
}
