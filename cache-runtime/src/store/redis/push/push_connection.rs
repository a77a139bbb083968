//! One push connection, from its opening to its loss.

use std::sync::{Arc, Mutex, PoisonError};

use redis::{PushInfo, PushKind, Value};
use tokio::sync::watch;

use super::listener::PushListener;
use crate::store::redis::connect::Connection;
#[cfg(feature = "sentinel")]
use crate::store::redis::sentinel::primary::SwitchListener;

/// One push connection. Late messages of an older one do not affect the next.
pub(super) struct PushConnection {
    listener: Arc<dyn PushListener>,
    phase: Mutex<Phase>,
    is_lost: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Connected,
    Lost,
}

/// The receiver of pushed messages. It is dropped with the task that reads from the connection, which loses the
/// connection.
pub(super) struct PushReceiver(Arc<PushConnection>);

impl PushConnection {
    /// Returns a connection that is opening.
    pub(super) fn new(listener: Arc<dyn PushListener>) -> Arc<Self> {
        let (phase, is_lost) = (Mutex::new(Phase::Opening), watch::Sender::new(false));
        Arc::new(Self { listener, phase, is_lost })
    }

    pub(super) fn listener(&self) -> &dyn PushListener {
        &*self.listener
    }

    pub(super) fn receiver(self: &Arc<Self>) -> PushReceiver {
        PushReceiver(Arc::clone(self))
    }

    /// Records that the server tracks the keys and has answered since. Does nothing if the connection was lost meanwhile.
    pub(super) fn connected(&self, connection: Connection) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase == Phase::Opening {
            *phase = Phase::Connected;
            // Under the lock, so that a loss is reported after this.
            self.listener.on_connected(connection);
        }
    }

    /// Ends the connection. The listener is notified before [`PushConnection::until_lost`] returns.
    pub(super) fn lose(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *phase, Phase::Lost) == Phase::Connected {
            self.listener.on_lost();
        }
        drop(phase);
        self.is_lost.send_replace(true);
    }

    /// Waits until the connection is lost.
    pub(super) async fn until_lost(&self) {
        // The sender is in `self`, so that the channel cannot be closed.
        let _ = self.is_lost.subscribe().wait_for(|is_lost| *is_lost).await;
    }
}

/// A server reports no changes that are made at the one which was named after that server.
#[cfg(feature = "sentinel")]
impl SwitchListener for PushConnection {
    fn on_switch(&self) {
        self.lose();
    }
}

impl PushReceiver {
    /// Handles a pushed message.
    pub(super) fn receive(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.0.lose(),
            PushKind::Invalidate => self.invalidate(push.data.first()),
            _ => {}
        }
    }

    fn invalidate(&self, keys: Option<&Value>) {
        let listener = &self.0.listener;
        let Some(Value::Array(keys)) = keys else {
            // `FLUSHALL` and `FLUSHDB` are reported as a null; any other value is handled as one of them.
            return listener.on_flush();
        };
        for key in keys {
            match key {
                Value::BulkString(key) => listener.on_change(key),
                Value::SimpleString(key) => listener.on_change(key.as_bytes()),
                _ => listener.on_flush(),
            }
        }
    }
}

impl Drop for PushReceiver {
    fn drop(&mut self) {
        self.0.lose();
    }
}
