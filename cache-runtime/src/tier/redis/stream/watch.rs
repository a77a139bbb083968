//! Watch: waiting for the next change of one key, such as the end of another process's computation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::sync::watch;

use super::super::config::RedisConfig;
use super::{Kind, Listener, Stream};
use crate::io;

/// The stream of changes that were asked for. It is opened at the first use.
pub(crate) struct Watch {
    table: Arc<Table>,
    _stream: Option<Stream>,
}

/// A place to wait for the next change of a key.
pub(crate) struct Watched {
    key: Box<str>,
    changes: watch::Receiver<()>,
    table: Arc<Table>,
}

#[derive(Default)]
struct Table(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    conn: Option<MultiplexedConnection>,
    keys: HashMap<Box<str>, watch::Sender<()>>,
}

impl Watch {
    pub(crate) fn open(config: Arc<RedisConfig>) -> Self {
        let table = Arc::new(Table::default());
        let listener: Arc<dyn Listener> = Arc::<Table>::clone(&table);
        Self { table, _stream: Stream::open(config, Kind::OnRequest, listener).ok() }
    }

    /// Asks to be told of the next change of `key`. `None` when nobody can tell: the caller has to look by itself.
    pub(crate) async fn register(&self, key: &str, limit: Duration) -> Option<Watched> {
        let (mut conn, watched) = {
            let mut inside = self.table.inside();
            let conn = inside.conn.clone()?;
            let sender = inside.keys.entry(key.into()).or_insert_with(|| watch::Sender::new(()));
            let changes = sender.subscribe();
            (conn, Watched { key: key.into(), changes, table: Arc::clone(&self.table) })
        };
        let mut ask = redis::pipe();
        // The answer is not used: who waits looks for itself. The length is all that has to be sent for it.
        ask.cmd("CLIENT").arg("CACHING").arg("YES").ignore().cmd("STRLEN").arg(key).ignore();
        let asked = async { ask.exec_async(&mut conn).await.is_ok() };
        (io::timeout(limit, asked).await == Some(true)).then_some(watched)
    }
}

impl Watched {
    /// Waits until the key changes, the connection is lost, or `limit` has passed.
    pub(crate) async fn changed(&mut self, limit: Duration) {
        // The sender goes when the key changed or the connection was lost.
        let changes = &mut self.changes;
        io::timeout(limit, async { while changes.changed().await.is_ok() {} }).await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut inside = self.table.inside();
        // This one is still counted.
        if inside.keys.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            inside.keys.remove(&self.key);
        }
    }
}

impl Table {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Table {
    fn healthy(&self, conn: &MultiplexedConnection) {
        self.inside().conn = Some(conn.clone());
    }

    fn lost(&self) {
        *self.inside() = Inside::default();
    }

    fn changed(&self, key: &[u8]) {
        if let Ok(key) = std::str::from_utf8(key) {
            self.inside().keys.remove(key);
        }
    }

    fn changed_all(&self) {
        self.inside().keys.clear();
    }
}
