//! The nodes of a cluster, by slot and by address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use crate::rt::stripe::Striped;
use crate::store::redis::connect::Node;
use crate::store::redis::nodes::topology::{NodeId, Topology};

/// The nodes of a cluster, as they were known at one moment.
pub(super) struct NodeTable {
    topology: Arc<Topology>,
    /// The nodes of [`Topology::primaries`], in their order.
    primaries: Vec<Arc<Node>>,
    /// All nodes, and those that only import slots.
    nodes: HashMap<NodeId, Arc<Node>>,
}

impl NodeTable {
    /// Returns a table without nodes.
    fn unknown() -> Self {
        Self { topology: Arc::new(Topology::unknown()), primaries: Vec::new(), nodes: HashMap::new() }
    }

    /// Returns the table of another topology. Nodes that are in this table are the same.
    fn with_topology(&self, topology: Topology, open: impl Fn(&NodeId) -> Node) -> Self {
        let node = |id: &NodeId| self.node(id).cloned().unwrap_or_else(|| Arc::new(open(id)));
        let nodes: HashMap<_, _> = topology.nodes().map(|id| (id.clone(), node(id))).collect();
        let primaries = topology.primaries().iter().map(|id| Arc::clone(&nodes[id])).collect();
        Self { topology: Arc::new(topology), primaries, nodes }
    }

    /// Returns this table with another node, which owns no slot.
    fn with_guest(&self, id: &NodeId, node: Arc<Node>) -> Self {
        let mut nodes = self.nodes.clone();
        nodes.insert(id.clone(), node);
        Self { topology: Arc::clone(&self.topology), primaries: self.primaries.clone(), nodes }
    }

    /// Returns the topology.
    pub(super) fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Returns the owner of a slot; `None` if nobody owns it.
    pub(super) fn owner(&self, slot: u16) -> Option<(&NodeId, &Arc<Node>)> {
        let position = self.topology.position(slot)?;
        self.topology.primaries().get(position).zip(self.primaries.get(position))
    }

    /// Returns a node; `None` if there is no such node any more.
    pub(super) fn node(&self, id: &NodeId) -> Option<&Arc<Node>> {
        self.nodes.get(id)
    }

    /// Returns the nodes that own slots.
    pub(super) fn primaries(&self) -> &[Arc<Node>] {
        &self.primaries
    }
}

/// A table with a reference count of its own for each stripe of threads, so that threads do not contend for one.
pub(super) type StripeTable = Arc<Arc<NodeTable>>;

/// The table that holds now. Reading does not wait for other readers.
pub(super) struct CurrentTable {
    stripes: Striped<RwLock<StripeTable>>,
    /// Held while the table is replaced.
    latest: Mutex<Arc<NodeTable>>,
    changes: watch::Sender<Arc<Topology>>,
}

impl CurrentTable {
    /// Returns a table without nodes.
    pub(super) fn new() -> Self {
        let table = Arc::new(NodeTable::unknown());
        Self {
            stripes: Striped::new(|| RwLock::new(Arc::new(Arc::clone(&table)))),
            changes: watch::Sender::new(Arc::clone(&table.topology)),
            latest: Mutex::new(table),
        }
    }

    /// Returns the table.
    pub(super) fn get(&self) -> StripeTable {
        Arc::clone(&self.stripes.here().read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the topology and its changes.
    pub(super) fn changes(&self) -> &watch::Sender<Arc<Topology>> {
        &self.changes
    }

    /// Replaces the topology by what `change` makes of it. New nodes are opened; nodes that left are closed when the last
    /// request to them has ended.
    pub(super) fn change(&self, change: impl FnOnce(&Topology) -> Topology, open: impl Fn(&NodeId) -> Node) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(topology) = change(&latest.topology).after(&latest.topology) else { return };
        let table = Arc::new(latest.with_topology(topology, open));
        let before = std::mem::replace(&mut *latest, table);
        self.publish(&latest);
        // After the table: whoever hears of the change finds the new owners.
        self.changes.send_replace(Arc::clone(&latest.topology));
        drop(latest);
        // Not under the lock: closing connections runs foreign code.
        drop(before);
    }

    /// Returns a node, which is opened if it is not known yet.
    pub(super) fn get_or_open(&self, id: &NodeId, open: impl FnOnce(&NodeId) -> Node) -> Arc<Node> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = latest.node(id) {
            return Arc::clone(node);
        }
        let node = Arc::new(open(id));
        *latest = Arc::new(latest.with_guest(id, Arc::clone(&node)));
        self.publish(&latest);
        node
    }

    fn publish(&self, table: &Arc<NodeTable>) {
        for stripe in self.stripes.all() {
            let table = Arc::new(Arc::clone(table));
            *stripe.write().unwrap_or_else(PoisonError::into_inner) = table;
        }
    }
}
