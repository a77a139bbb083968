//! Changes of single keys, for calls that wait for one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::{Cmd, RedisResult};
use tokio::sync::watch;

use super::listener::PushListener;
use super::supervise::{Supervisor, start};
use super::watched_keys::{ChangeCounter, WatchedKeys};
use crate::observe::warnings::Warnings;
use crate::rt::io;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::Connection;
use crate::types::denial::Denial;

/// Notifications of changes of single keys. The connection is opened at the first wait.
pub(crate) struct KeyWatcher {
    config: Arc<RedisConfig>,
    table: Arc<WatchTable>,
    supervisor: OnceLock<Option<Supervisor>>,
}

/// A key whose changes are notified while this exists.
pub(crate) struct WatchedKey {
    table: Arc<WatchTable>,
    key: Box<[u8]>,
    counter: Arc<ChangeCounter>,
    /// The number of changes that were waited for already.
    seen: AtomicU64,
}

struct WatchTable {
    state: watch::Sender<WatchState>,
    keys: WatchedKeys,
    /// The time limit of the command that makes the server track a key.
    limit: Duration,
    warnings: Arc<Warnings>,
}

#[derive(Clone)]
enum WatchState {
    Connecting,
    Up(Connection),
    Down,
    /// The watcher was dropped.
    Closed,
}

impl KeyWatcher {
    /// Returns a watcher without a connection.
    pub(crate) fn new(config: Arc<RedisConfig>) -> Self {
        let limit = config.redis_timeout;
        let state = watch::Sender::new(WatchState::Connecting);
        let (keys, warnings) = (WatchedKeys::default(), Arc::clone(&config.warnings));
        let table = Arc::new(WatchTable { state, keys, limit, warnings });
        Self { config, table, supervisor: OnceLock::new() }
    }

    /// Makes the server track `key`: every change after this returned is notified. `None` if no server does; then the
    /// caller has to poll.
    pub(crate) async fn watch(&self, key: &str) -> Option<WatchedKey> {
        let supervisor = || start(Arc::clone(&self.config), Arc::clone(&self.table) as Arc<dyn PushListener>);
        self.supervisor.get_or_init(|| supervisor().ok()).as_ref()?;
        let connection = self.table.settled().await?;
        let watched = WatchedKey::new(&self.table, key.as_bytes());
        match io::timeout(self.table.limit, track(connection, &watched.key)).await? {
            Ok(()) => Some(watched),
            Err(error) => {
                let message = error.to_string();
                if let Some(denial) = Denial::parse(&message).map(|denial| denial.within("client|caching")) {
                    self.table.warnings.refused(
                        &denial,
                        &message,
                        "calls that wait for another process poll",
                    );
                }
                None
            }
        }
    }

    /// Returns the number of keys that are waited for.
    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.table.keys.all().len()
    }
}

impl Drop for KeyWatcher {
    fn drop(&mut self) {
        // The connection lives as long as its clones, and keeps the table alive through its receiver.
        self.table.set(WatchState::Closed);
    }
}

impl WatchedKey {
    fn new(table: &Arc<WatchTable>, key: &[u8]) -> Self {
        let counter = table.keys.join(key);
        let seen = AtomicU64::new(counter.count());
        Self { table: Arc::clone(table), key: key.into(), counter, seen }
    }

    /// Waits until the key changes, at most for `limit`. A change since the last wait counts. The wait also ends when the
    /// connection is lost or replaced, since changes in between are not notified.
    pub(crate) async fn changed(&self, limit: Duration) {
        if let Some(count) = io::timeout(limit, self.counter.beyond(self.seen.load(Relaxed))).await {
            self.seen.store(count, Relaxed);
        }
    }
}

impl Drop for WatchedKey {
    fn drop(&mut self) {
        self.table.keys.leave(&self.key);
    }
}

impl WatchTable {
    /// Returns the connection after the first attempt.
    async fn settled(&self) -> Option<Connection> {
        let mut states = self.state.subscribe();
        let settled = states.wait_for(|state| !matches!(state, WatchState::Connecting));
        match io::timeout(self.limit, settled).await?.as_deref() {
            Ok(WatchState::Up(connection)) => Some(connection.clone()),
            _ => None,
        }
    }

    fn set(&self, new: WatchState) {
        let mut new = Some(new);
        self.state.send_if_modified(|state| {
            let is_open = !matches!(state, WatchState::Closed);
            if is_open {
                new = new.take().map(|new| std::mem::replace(state, new));
            }
            is_open
        });
        // The old connection is dropped here, outside the lock.
    }

    /// Tracks a key again, since the server reports one change only, and then wakes its waiters: a value that they read
    /// after that is not missed.
    fn track_again(&self, key: Box<[u8]>, counter: Arc<ChangeCounter>) {
        let WatchState::Up(connection) = self.state.borrow().clone() else { return counter.increment() };
        let limit = self.limit;
        io::spawn(Box::pin(async move {
            // If this fails, the waiters poll.
            drop(io::timeout(limit, track(connection, &key)).await);
            counter.increment();
        }));
    }
}

impl PushListener for WatchTable {
    fn tracking_command(&self) -> Cmd {
        redis::cmd("CLIENT").arg("TRACKING").arg("ON").arg("OPTIN").take()
    }

    fn on_connected(&self, connection: Connection) {
        // Listed before the state is set: later waiters track their key on this connection themselves.
        let keys = self.keys.all();
        self.set(WatchState::Up(connection));
        keys.into_iter().for_each(|(key, counter)| self.track_again(key, counter));
    }

    fn on_lost(&self) {
        self.set(WatchState::Down);
        self.keys.all().iter().for_each(|(_, counter)| counter.increment());
    }

    fn on_change(&self, key: &[u8]) {
        if let Some(counter) = self.keys.get(key) {
            self.track_again(key.into(), counter);
        }
    }

    fn on_flush(&self) {
        self.keys.all().into_iter().for_each(|(key, counter)| self.track_again(key, counter));
    }
}

/// Makes the server report the next change of a key. `EXISTS` is the cheapest command that reads it.
async fn track(mut connection: Connection, key: &[u8]) -> RedisResult<()> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("CLIENT").arg("CACHING").arg("YES").ignore().cmd("EXISTS").arg(key).ignore();
    connection.exec(&pipeline).await
}
