//! Calls of 64 tasks, and what they get.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Cache, cache};
use support::cluster::RedisCluster;
use support::stores::Calls;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

/// The number of tasks.
const TASKS: u64 = 64;
/// The pause of a task after a call: the servers and the tests share the machine.
const PAUSE: Duration = Duration::from_millis(10);
/// The number of keys.
pub(super) const KEYS: u64 = 300;

#[cache(expire = "1h", cache = cache, entry = number_entry)]
async fn number(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// Tasks that call a cached function with keys of all slots until the load is ended.
pub(super) struct Load {
    state: Arc<State>,
    tasks: JoinSet<()>,
    _alone: MutexGuard<'static, ()>,
}

/// Held by tests that load both processors, so that these run one at a time.
pub(super) static ALONE: Mutex<()> = Mutex::const_new(());

struct State {
    cache: Cache,
    /// The computations of each key.
    computed: Vec<Calls>,
    /// The longest call since the last look, in microseconds.
    slowest: AtomicU64,
    calls: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    /// Caches all keys and starts the tasks.
    pub(super) async fn start(cache: &Cache) -> Self {
        let alone = ALONE.lock().await;
        let computed = (0..KEYS).map(|_| Calls::default()).collect();
        let (slowest, calls, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let state = Arc::new(State { cache: cache.clone(), computed, slowest, calls, is_over });
        for n in 0..KEYS {
            state.call(n).await;
        }
        state.slowest.store(0, SeqCst);
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let state = Arc::clone(&state);
            tasks.spawn(async move {
                let mut n = task;
                while !state.is_over.load(SeqCst) {
                    state.call(n % KEYS).await;
                    n += 17;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self { state, tasks, _alone: alone }
    }

    /// The slowest call that ended since the last look.
    pub(super) fn slowest(&self) -> Duration {
        Duration::from_micros(self.state.slowest.swap(0, SeqCst))
    }

    /// The computations of these keys so far.
    pub(super) fn computed(&self, keys: &[u64]) -> usize {
        keys.iter().map(|key| self.state.computed[*key as usize].count()).sum()
    }

    /// Waits until each of these keys is a hit.
    pub(super) async fn until_cached(&self, keys: &[u64], limit: Duration) {
        support::wait::eventually_async(limit, || async {
            let before = self.computed(keys);
            for key in keys {
                self.state.call(*key).await;
            }
            self.computed(keys) == before
        })
        .await;
    }

    /// Waits until this many more calls have ended.
    pub(super) async fn calls(&self, more: u64) {
        let wanted = self.state.calls.load(SeqCst) + more;
        let ended = || async { self.state.calls.load(SeqCst) >= wanted };
        support::wait::eventually_async(Duration::from_secs(60), ended).await;
    }

    /// The keys by the port of the node that owns them.
    pub(super) fn keys_by_owner(&self, cluster: &RedisCluster) -> HashMap<u16, Vec<u64>> {
        let mut keys: HashMap<u16, Vec<u64>> = HashMap::new();
        for n in 0..KEYS {
            let entry = number_entry(&self.state.cache, &self.state.computed[0], n);
            keys.entry(cluster.owner(cluster.slot(entry.key())).port()).or_default().push(n);
        }
        keys
    }

    /// Ends the tasks.
    ///
    /// # Panics
    /// When a call panicked.
    pub(super) async fn end(mut self) {
        self.state.is_over.store(true, SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no panic");
        }
    }
}

impl State {
    async fn call(&self, n: u64) {
        let started = Instant::now();
        assert_eq!(number(&self.cache, &self.computed[n as usize], n).await, n * 2);
        self.slowest.fetch_max(started.elapsed().as_micros() as u64, SeqCst);
        self.calls.fetch_add(1, SeqCst);
    }
}
