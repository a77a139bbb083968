//! The primary that sentinels name.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::store::redis::cause::Cause;
use crate::store::redis::credentials::CredentialsProvider;
#[cfg(feature = "tls")]
use crate::store::redis::tls::TlsClient;
use crate::store::redis::url::{Address, SentinelServers};

/// Something that must not use a server after another one was named.
pub(crate) trait SwitchListener: Send + Sync {
    /// Another server was named. Must not block.
    fn on_switch(&self);
}

/// The credentials and the TLS of connections to sentinels, as far as the URL does not have them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentinelAccess {
    /// Provides the credentials of each connection, in place of those of the URL.
    pub(crate) credentials: Option<CredentialsProvider>,
    /// The client's side of TLS, if connections to sentinels use it.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<TlsClient>>,
}

/// The primary that sentinels name, shared by all connections to it. The task that asks the sentinels ends with it.
pub(crate) struct NamedPrimary {
    servers: SentinelServers,
    access: SentinelAccess,
    naming: watch::Sender<Nomination>,
    /// The number of times that another server was named.
    switches: watch::Sender<u64>,
    /// Notified of a switch before anything else is. The lock is held while a name changes.
    listeners: Mutex<Vec<Weak<dyn SwitchListener>>>,
    /// Wake the tasks that ask one sentinel each.
    wakes: Mutex<Vec<Arc<Notify>>>,
    task: OnceLock<AbortHandle>,
}

/// The server that the sentinels name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Nomination {
    /// Changes whenever `result` does.
    pub(crate) version: u64,
    /// `None` until the sentinels were asked once.
    pub(crate) result: Option<Result<Address, Unnamed>>,
}

/// The reason for which the sentinels name no server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unnamed {
    pub(crate) cause: Cause,
    pub(crate) message: String,
    /// The part of the URL that is wrong, if sentinels say that one is.
    pub(crate) wrong: Option<String>,
}

impl NamedPrimary {
    /// Returns a primary that no sentinel was asked for.
    pub(crate) fn new(servers: SentinelServers, access: SentinelAccess) -> Self {
        Self {
            servers,
            access,
            naming: watch::Sender::default(),
            switches: watch::Sender::default(),
            listeners: Mutex::default(),
            wakes: Mutex::default(),
            task: OnceLock::new(),
        }
    }

    /// Returns the sentinels of the URL.
    pub(crate) fn servers(&self) -> &SentinelServers {
        &self.servers
    }

    /// Returns how sentinels are accessed.
    pub(crate) fn access(&self) -> &SentinelAccess {
        &self.access
    }

    /// Returns the server that is named now.
    pub(crate) fn naming(&self) -> Nomination {
        self.naming.borrow().clone()
    }

    /// Returns the server that is named, and its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Nomination> {
        self.naming.subscribe()
    }

    /// Sets the result of the sentinels. A server that was named stays until another one is: without sentinels it goes on
    /// serving.
    pub(crate) fn publish(&self, result: Result<Address, Unnamed>) {
        let mut is_switch = false;
        let listeners = self.listeners();
        self.naming.send_if_modified(|naming| {
            let is_new = match (&naming.result, &result) {
                (Some(Ok(_)), Err(_)) => false,
                (known, result) => known.as_ref() != Some(result),
            };
            if is_new {
                is_switch = matches!(&naming.result, Some(Ok(_)));
                *naming = Nomination { version: naming.version + 1, result: Some(result) };
            }
            is_new
        });
        if is_switch {
            listeners.iter().filter_map(Weak::upgrade).for_each(|listener| listener.on_switch());
            drop(listeners);
            self.switches.send_modify(|switches| *switches += 1);
        }
    }

    /// Notifies `listener` of switches from now on.
    pub(crate) fn notify(&self, listener: Weak<dyn SwitchListener>) {
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// Runs `begin_use`, unless the name has changed since `version`; returns whether it ran. A switch comes before or after.
    pub(crate) fn use_if_current(&self, version: u64, begin_use: impl FnOnce()) -> bool {
        let listeners = self.listeners();
        let is_current = self.naming.borrow().version == version;
        if is_current {
            begin_use();
        }
        drop(listeners);
        is_current
    }

    /// Returns the number of times that another server was named.
    pub(crate) fn switches(&self) -> watch::Receiver<u64> {
        self.switches.subscribe()
    }

    /// Has the sentinels asked at once: one of them announces a switch, or the named server cannot be used as a primary.
    pub(crate) fn hurry(&self) {
        self.wakes().iter().for_each(|wake| wake.notify_one());
    }

    /// Returns the wake-up call for a task that asks a sentinel.
    pub(crate) fn wake(&self) -> Arc<Notify> {
        let wake = Arc::default();
        self.wakes().push(Arc::clone(&wake));
        wake
    }

    /// Stores the task that asks the sentinels, to end it with this.
    pub(crate) fn named_by(&self, task: AbortHandle) {
        if let Err(second) = self.task.set(task) {
            second.abort();
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<dyn SwitchListener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wakes(&self) -> MutexGuard<'_, Vec<Arc<Notify>>> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NamedPrimary {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl fmt::Debug for NamedPrimary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedPrimary")
            .field("servers", &self.servers)
            .field("naming", &*self.naming.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::url::Login;

    fn at(port: u16) -> Address {
        Address::Tcp { host: "h".to_owned(), port }
    }

    #[test]
    fn a_named_server_stays_until_another_one_is_named() {
        let servers = SentinelServers {
            sentinels: vec![],
            master: "m".to_owned(),
            login: Login::default(),
            #[cfg(feature = "tls")]
            tls: None,
        };
        let primary = NamedPrimary::new(servers, SentinelAccess::default());
        let gone = || Unnamed { cause: Cause::Unreachable, message: "gone".to_owned(), wrong: None };
        assert_eq!(primary.naming(), Nomination::default());
        primary.publish(Err(gone()));
        primary.publish(Err(gone()));
        assert_eq!(primary.naming(), Nomination { version: 1, result: Some(Err(gone())) });
        for _ in 0..2 {
            primary.publish(Ok(at(1)));
            primary.publish(Err(gone()));
            assert_eq!(primary.naming(), Nomination { version: 2, result: Some(Ok(at(1))) });
        }
        primary.publish(Ok(at(2)));
        assert_eq!((primary.naming().version, *primary.switches().borrow()), (3, 1));
    }
}
