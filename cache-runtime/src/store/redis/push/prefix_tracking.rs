//! Changes of all keys under a prefix.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use redis::Cmd;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::coverage::Coverage;
use super::listener::PushListener;
use super::supervise::{Supervisor, start};
use crate::observe::trace;
use crate::rt::io;
use crate::store::listener::ChangeListener;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::Connection;
use crate::store::redis::nodes::{NodeId, Nodes, Slot, Topology};
use crate::types::error::Error;

/// Notifications of all changes under a prefix; ends when dropped.
pub(crate) enum PrefixTracking {
    /// One server owns all keys.
    Server {
        /// Ends the connection when dropped.
        _supervisor: Supervisor,
    },
    /// All nodes of a cluster notify of changes, replicas too: one that is promoted goes on without a gap.
    Cluster {
        /// The slots that copies may be made of.
        coverage: Arc<dyn SlotCoverage>,
        /// The task that follows the topology.
        task: AbortHandle,
        /// The number of commands that were redirected.
        redirects: Arc<AtomicU64>,
    },
}

/// The slots of a cluster whose changes are notified, whoever listens.
pub(crate) trait SlotCoverage: Send + Sync {
    /// Returns `true` if changes of keys in this slot are notified.
    fn has(&self, slot: u16) -> bool;

    /// Returns `true` if changes of all keys are notified.
    fn is_complete(&self) -> bool;
}

impl PrefixTracking {
    /// Starts to notify `listener` of changes of every key that begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no thread.
    pub(crate) fn start(
        nodes: &Nodes,
        prefix: &str,
        listener: Arc<impl ChangeListener>,
    ) -> Result<Self, Error> {
        let config = Arc::clone(nodes.config());
        if !nodes.is_sharded() {
            return Self::of_server(config, prefix, listener);
        }
        let (changes, command) = (nodes.changes(), command(prefix));
        let coverage = Arc::new(Coverage::new(listener, nodes.topology()));
        let followed = Arc::clone(&coverage);
        let task = io::handle()?.spawn(async move { follow(changes, &config, &command, &followed).await });
        Ok(Self::Cluster { coverage, task: task.abort_handle(), redirects: nodes.redirects() })
    }

    /// Starts to notify `listener` of the changes on one server that owns all keys.
    ///
    /// # Errors
    /// As [`PrefixTracking::start`].
    pub(super) fn of_server(
        config: Arc<RedisConfig>,
        prefix: &str,
        listener: Arc<impl ChangeListener>,
    ) -> Result<Self, Error> {
        let supervisor = start(config, Arc::new(ServerTracking { command: command(prefix), listener }))?;
        Ok(Self::Server { _supervisor: supervisor })
    }

    /// Returns `true` if changes of these keys are notified, so that copies of them may be made.
    pub(crate) fn covers<'k>(&self, mut keys: impl Iterator<Item = &'k str>) -> bool {
        match self {
            Self::Server { .. } => true,
            Self::Cluster { coverage, .. } => keys.all(|key| coverage.has(Slot::of(key).number())),
        }
    }

    /// Returns `true` if the keys are spread over several nodes.
    pub(crate) fn is_sharded(&self) -> bool {
        matches!(self, Self::Cluster { .. })
    }

    /// Returns the number of commands so far that a node redirected to another one, which may not notify of changes yet.
    pub(crate) fn redirects(&self) -> u64 {
        match self {
            Self::Server { .. } => 0,
            Self::Cluster { redirects, .. } => redirects.load(SeqCst),
        }
    }

    /// Returns `true` if changes of all keys are notified while any are.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Server { .. } => true,
            Self::Cluster { coverage, .. } => coverage.is_complete(),
        }
    }
}

impl Drop for PrefixTracking {
    fn drop(&mut self) {
        if let Self::Cluster { task, .. } = self {
            task.abort();
        }
    }
}

impl<L: ChangeListener> SlotCoverage for Coverage<L> {
    fn has(&self, slot: u16) -> bool {
        self.has(slot)
    }

    fn is_complete(&self) -> bool {
        self.is_complete()
    }
}

/// Returns the command that makes a node report the changes under a prefix.
fn command(prefix: &str) -> Cmd {
    let mut command = redis::cmd("CLIENT");
    command.arg("TRACKING").arg("ON").arg("BCAST");
    if !prefix.is_empty() {
        command.arg("PREFIX").arg(prefix);
    }
    command
}

/// Has every node of the topology watched by a supervisor of its own, until the nodes are dropped.
async fn follow<L: ChangeListener>(
    mut changes: watch::Receiver<Arc<Topology>>,
    config: &RedisConfig,
    command: &Cmd,
    coverage: &Arc<Coverage<L>>,
) {
    let mut supervisors: HashMap<NodeId, (u64, Supervisor)> = HashMap::new();
    let mut number = 0;
    loop {
        let topology = Arc::clone(&changes.borrow_and_update());
        coverage.moved(Arc::clone(&topology));
        supervisors.retain(|node, (number, _)| {
            let stays = topology.nodes().any(|other| other == node);
            if !stays {
                coverage.lost(node, *number);
            }
            stays
        });
        for node in topology.nodes() {
            if supervisors.contains_key(node) {
                continue;
            }
            number += 1;
            let config = RedisConfig { address: node.address().clone(), ..config.clone() };
            let (command, coverage) = (command.clone(), Arc::clone(coverage));
            let listener = NodeTracking { node: node.clone(), number, command, coverage };
            match start(Arc::new(config), Arc::new(listener)) {
                Ok(supervisor) => _ = supervisors.insert(node.clone(), (number, supervisor)),
                Err(error) => trace::warn(&format!("the local tier does not follow {node}: {error}")),
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

struct ServerTracking<L> {
    command: Cmd,
    listener: Arc<L>,
}

impl<L: ChangeListener> PushListener for ServerTracking<L> {
    fn tracking_command(&self) -> Cmd {
        self.command.clone()
    }

    fn on_connected(&self, _: Connection) {
        self.listener.on_connected();
    }

    fn on_lost(&self) {
        self.listener.on_lost();
    }

    fn on_change(&self, key: &[u8]) {
        self.listener.on_change(key);
    }

    fn on_flush(&self) {
        self.listener.on_flush();
    }
}

struct NodeTracking<L> {
    node: NodeId,
    /// The number of the supervisor.
    number: u64,
    command: Cmd,
    coverage: Arc<Coverage<L>>,
}

impl<L: ChangeListener> PushListener for NodeTracking<L> {
    fn tracking_command(&self) -> Cmd {
        self.command.clone()
    }

    fn on_connected(&self, _: Connection) {
        self.coverage.connected(&self.node, self.number);
    }

    fn on_lost(&self) {
        self.coverage.lost(&self.node, self.number);
    }

    fn on_change(&self, key: &[u8]) {
        self.coverage.listener().on_change(key);
    }

    fn on_flush(&self) {
        self.coverage.listener().on_flush();
    }
}
