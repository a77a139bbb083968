//! Line: one connection of a stream, from its opening to its loss.

use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::watch;

use super::Listener;
use crate::store::redis::failure::Failure;

/// One connection, while it lasts. A late word about an older one is not held against the next.
pub(super) struct Line {
    listener: Arc<dyn Listener>,
    phase: Mutex<Phase>,
    over: watch::Sender<Option<Failure>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Healthy,
    Over,
}

/// The ear of a connection. It goes with the task that reads from it, however that ends, and so does the line.
pub(super) struct Ear(Arc<Line>);

impl Line {
    /// A line that tells nothing yet.
    pub(super) fn new(listener: Arc<dyn Listener>) -> Arc<Self> {
        let (phase, over) = (Mutex::new(Phase::Opening), watch::Sender::new(None));
        Arc::new(Self { listener, phase, over })
    }

    /// Who is told.
    pub(super) fn listener(&self) -> &dyn Listener {
        &*self.listener
    }

    /// What hears for this line.
    pub(super) fn ear(self: &Arc<Self>) -> Ear {
        Ear(Arc::clone(self))
    }

    /// The server follows the keys and has answered since. Nothing happens when the line was lost meanwhile.
    pub(super) fn healthy(&self, conn: MultiplexedConnection) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase == Phase::Opening {
            *phase = Phase::Healthy;
            // Under the lock, so that a loss is told after it.
            self.listener.healthy(conn);
        }
    }

    /// Ends the line. The listener learns of it before anybody else.
    pub(super) fn lose(&self, failure: Failure) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *phase, Phase::Over) == Phase::Healthy {
            self.listener.lost();
        }
        drop(phase);
        self.over.send_if_modified(|over| {
            let first = over.is_none();
            over.get_or_insert(failure);
            first
        });
    }

    /// Waits until the line is lost, and answers why.
    pub(super) async fn until_lost(&self) -> Failure {
        let mut over = self.over.subscribe();
        let lost = over.wait_for(Option::is_some).await;
        lost.ok().and_then(|failure| failure.clone()).unwrap_or_else(closed)
    }
}

impl Ear {
    /// MoveToBackground in what the server says unasked.
    pub(super) fn hear(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.0.lose(closed()),
            PushKind::Invalidate => self.invalidate(push.data.first()),
            _ => {}
        }
    }

    fn invalidate(&self, what: Option<&Value>) {
        let listener = &self.0.listener;
        let Some(Value::Array(keys)) = what else {
            // `FLUSHALL` and `FLUSHDB` come as a null; whatever else may come is taken for as much.
            return listener.all();
        };
        for key in keys {
            match key {
                Value::BulkString(key) => listener.changed(key),
                Value::SimpleString(key) => listener.changed(key.as_bytes()),
                _ => listener.all(),
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.0.lose(closed());
    }
}

fn closed() -> Failure {
    Failure::unreachable("the connection was closed")
}
