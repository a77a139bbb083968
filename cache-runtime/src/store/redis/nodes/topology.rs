//! The nodes of a deployment, and the owners of the slots.

use std::fmt;
use std::sync::Arc;

use super::slot::SLOTS;
use crate::store::redis::url::Address;

/// A node, by the address that larder connects to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(Arc<Address>);

impl NodeId {
    /// Returns the node at this address.
    pub(crate) fn new(address: Address) -> Self {
        Self(Arc::new(address))
    }

    /// Returns the address of the node.
    pub(crate) fn address(&self) -> &Address {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The nodes of a deployment as they were known at one moment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Topology {
    version: u64,
    primaries: Vec<NodeId>,
    replicas: Vec<(NodeId, usize)>,
    /// The position of each slot's owner in `primaries`; [`NOBODY`] for a slot without one.
    owners: Box<[u16]>,
}

/// The position of the owner of a slot that has none.
const NOBODY: u16 = u16::MAX;

impl Topology {
    /// Returns the topology of one server, which owns every slot.
    pub(crate) fn one(node: NodeId) -> Self {
        Self {
            version: 0,
            primaries: vec![node],
            replicas: Vec::new(),
            owners: vec![0; usize::from(SLOTS)].into(),
        }
    }

    /// Returns a number that changes whenever the owner of any slot or the set of nodes changes.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Returns the nodes that own slots.
    pub(crate) fn primaries(&self) -> &[NodeId] {
        &self.primaries
    }

    /// Returns the other nodes.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = &NodeId> {
        self.replicas.iter().map(|(replica, _)| replica)
    }

    /// Returns all nodes, primaries first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.primaries.iter().chain(self.replicas())
    }

    /// Returns the owner of the slot with this number; `None` if nobody owns it.
    pub(crate) fn owner(&self, slot: u16) -> Option<&NodeId> {
        self.primaries.get(usize::from(*self.owners.get(usize::from(slot))?))
    }
}

impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topology")
            .field("version", &self.version)
            .field("primaries", &self.primaries)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
