//! The watchers of single keys, one for each node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use tokio::sync::watch;

use super::watch::{KeyWatcher, WatchedKey};
use crate::rt::io;
use crate::store::redis::nodes::{NodeId, Nodes, Slot, Topology};

/// The watchers of the nodes that own slots.
type Watchers = Mutex<HashMap<NodeId, Arc<KeyWatcher>>>;

/// Notifications of changes of single keys, from the owners of their slots. Connections are opened at the first wait, and closed when
/// their node leaves.
pub(crate) struct NodeWatchers {
    watchers: Arc<Watchers>,
    follows: Once,
}

impl Default for NodeWatchers {
    fn default() -> Self {
        Self { watchers: Arc::default(), follows: Once::new() }
    }
}

impl NodeWatchers {
    /// Makes the owner of the key's slot track `key`: every change after this returned is notified. `None` if the owner does
    /// not, or is another one by now; then the caller has to poll.
    pub(crate) async fn watch(&self, nodes: &Nodes, key: &str) -> Option<WatchedKey> {
        self.watcher(nodes, key)?.watch(key).await
    }

    fn watcher(&self, nodes: &Nodes, key: &str) -> Option<Arc<KeyWatcher>> {
        let topology = nodes.topology();
        let owner = match nodes.is_sharded() {
            true => topology.owner(Slot::of(key).number())?,
            false => topology.primaries().first()?,
        };
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if !watchers.contains_key(owner) {
            let config = Arc::clone(nodes.node(owner)?.config());
            watchers.insert(owner.clone(), Arc::new(KeyWatcher::new(config)));
            if nodes.is_sharded() {
                let (changes, watchers) = (nodes.changes(), Arc::downgrade(&self.watchers));
                self.follows.call_once(|| io::spawn(Box::pin(follow(changes, watchers))));
            }
        }
        watchers.get(owner).map(Arc::clone)
    }
}

/// Drops the watchers of nodes that leave, until the nodes or the watchers are dropped.
async fn follow(mut changes: watch::Receiver<Arc<Topology>>, watchers: Weak<Watchers>) {
    loop {
        let topology = Arc::clone(&changes.borrow_and_update());
        let Some(watchers) = watchers.upgrade() else { return };
        let has_left = |node: &NodeId| topology.nodes().all(|other| other != node);
        let gone: Vec<_> = {
            let mut watchers = watchers.lock().unwrap_or_else(PoisonError::into_inner);
            watchers.extract_if(|node, _| has_left(node)).collect()
        };
        // Not under the lock: closing connections runs foreign code.
        drop((gone, watchers));
        if changes.changed().await.is_err() {
            return;
        }
    }
}
