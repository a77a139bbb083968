//! Watch: single keys, for who waits for one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult};
use tokio::sync::watch;

use super::slot::{Slot, Slots};
use super::supervise::start;
use super::{Listener, Supervised};
use crate::rt::io;
use crate::store::redis::config::RedisConfig;

/// Tells of changes of single keys. Nothing is connected before the first wait.
pub(crate) struct Watch {
    config: Arc<RedisConfig>,
    table: Arc<Table>,
    supervisor: OnceLock<Option<Supervised>>,
}

/// A key whose changes are told, while this is kept.
pub(crate) struct WatchedKey {
    table: Arc<Table>,
    key: Box<[u8]>,
    slot: Arc<Slot>,
    /// How many changes were waited for already.
    seen: AtomicU64,
}

struct Table {
    conn: watch::Sender<Conn>,
    slots: Slots,
    /// The longest that the server may take to follow a key.
    limit: Duration,
}

#[derive(Clone)]
enum Conn {
    Connecting,
    Up(MultiplexedConnection),
    Down,
    /// For good.
    Closed,
}

impl Watch {
    pub(crate) fn new(config: Arc<RedisConfig>) -> Self {
        let limit = config.redis_timeout;
        let table = Table { conn: watch::Sender::new(Conn::Connecting), slots: Slots::default(), limit };
        Self { config, table: Arc::new(table), supervisor: OnceLock::new() }
    }

    /// Has the server follow `key`: whatever happens to it once this has returned is told. `None` when there is no server
    /// that does; then one has to look.
    pub(crate) async fn register(&self, key: &str) -> Option<WatchedKey> {
        let supervisor = || start(Arc::clone(&self.config), Arc::clone(&self.table) as Arc<dyn Listener>);
        self.supervisor.get_or_init(|| supervisor().ok()).as_ref()?;
        let conn = self.table.settled().await?;
        let watched = WatchedKey::new(&self.table, key.as_bytes());
        let followed = io::timeout(self.table.limit, follow(conn, &watched.key)).await;
        matches!(followed, Some(Ok(()))).then_some(watched)
    }
}

#[cfg(test)]
impl Watch {
    /// How many keys are waited for.
    pub(super) fn waiting(&self) -> usize {
        self.table.slots.all().len()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The connection is kept alive by who may use it, and keeps the table by its ear.
        self.table.turn(Conn::Closed);
    }
}

impl WatchedKey {
    fn new(table: &Arc<Table>, key: &[u8]) -> Self {
        let slot = table.slots.join(key);
        let seen = AtomicU64::new(slot.count());
        Self { table: Arc::clone(table), key: key.into(), slot, seen }
    }

    /// Waits until the key changes, at most for `limit`; also ends when the connection is lost or made anew, for what
    /// happened in between was not told. A change since the last wait counts.
    pub(crate) async fn changed(&self, limit: Duration) {
        if let Some(count) = io::timeout(limit, self.slot.beyond(self.seen.load(Relaxed))).await {
            self.seen.store(count, Relaxed);
        }
    }
}

impl Drop for WatchedKey {
    fn drop(&mut self) {
        self.table.slots.leave(&self.key);
    }
}

impl Table {
    /// The connection, once the first attempt is over.
    async fn settled(&self) -> Option<MultiplexedConnection> {
        let mut conns = self.conn.subscribe();
        let settled = conns.wait_for(|conn| !matches!(conn, Conn::Connecting));
        match io::timeout(self.limit, settled).await?.as_deref() {
            Ok(Conn::Up(conn)) => Some(conn.clone()),
            _ => None,
        }
    }

    fn turn(&self, to: Conn) {
        let mut to = Some(to);
        self.conn.send_if_modified(|conn| {
            let open = !matches!(conn, Conn::Closed);
            if open {
                to = to.take().map(|to| std::mem::replace(conn, to));
            }
            open
        });
        // The old connection is dropped here, outside the lock.
    }

    /// Follows a key anew, since the server tells of one change only, and wakes who waits for it. In this order, so that
    /// those who look when they wake miss nothing.
    fn again(&self, key: Box<[u8]>, slot: Arc<Slot>) {
        let Conn::Up(conn) = self.conn.borrow().clone() else { return slot.bump() };
        let limit = self.limit;
        io::spawn(async move {
            // What cannot be followed is looked after by those who wait, from time to time.
            drop(io::timeout(limit, follow(conn, &key)).await);
            slot.bump();
        });
    }
}

impl Listener for Table {
    fn request(&self) -> Cmd {
        redis::cmd("CLIENT").arg("TRACKING").arg("ON").arg("OPTIN").take()
    }
    fn healthy(&self, conn: MultiplexedConnection) {
        // Listed before: who comes later asks on this connection by itself.
        let waiting = self.slots.all();
        self.turn(Conn::Up(conn));
        waiting.into_iter().for_each(|(key, slot)| self.again(key, slot));
    }
    fn lost(&self) {
        self.turn(Conn::Down);
        self.slots.all().iter().for_each(|(_, slot)| slot.bump());
    }
    fn changed(&self, key: &[u8]) {
        if let Some(slot) = self.slots.get(key) {
            self.again(key.into(), slot);
        }
    }
    fn all(&self) {
        self.slots.all().into_iter().for_each(|(key, slot)| self.again(key, slot));
    }
}

/// Asks for the next change of a key. `EXISTS` is the cheapest command that reads it.
async fn follow(mut conn: MultiplexedConnection, key: &[u8]) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    pipe.cmd("CLIENT").arg("CACHING").arg("YES").ignore().cmd("EXISTS").arg(key).ignore();
    pipe.exec_async(&mut conn).await
}
