//! The watchers of single keys, one for each node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::watch::{KeyWatcher, WatchedKey};
use crate::store::redis::nodes::{NodeId, Nodes, Slot};

/// Notifications of changes of single keys, from the owners of their slots. Connections are opened at the first wait.
#[derive(Default)]
pub(crate) struct NodeWatchers(Mutex<HashMap<NodeId, Arc<KeyWatcher>>>);

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
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !watchers.contains_key(owner) {
            // Those of nodes that have left end here.
            watchers.retain(|node, _| topology.nodes().any(|other| other == node));
            let config = Arc::clone(nodes.node(owner)?.config());
            watchers.insert(owner.clone(), Arc::new(KeyWatcher::new(config)));
        }
        watchers.get(owner).map(Arc::clone)
    }
}
