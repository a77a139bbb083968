//! The nodes of a deployment, and the owners of the slots.

use std::fmt;
#[cfg(feature = "cluster")]
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::slot::SLOTS;
use crate::store::redis::url::Address;

/// The position of the owner of a slot that has none.
const NOBODY: u16 = u16::MAX;

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
    replicas: Vec<NodeId>,
    /// The position of each slot's owner in `primaries`; [`NOBODY`] for a slot without one.
    owners: Box<[u16]>,
}

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

    /// Returns a topology without nodes.
    #[cfg(feature = "cluster")]
    pub(super) fn unknown() -> Self {
        let (primaries, replicas) = (Vec::new(), Vec::new());
        Self { version: 0, primaries, replicas, owners: vec![NOBODY; usize::from(SLOTS)].into() }
    }

    /// Returns a topology in which these nodes own these slots.
    #[cfg(all(test, feature = "cluster"))]
    pub(crate) fn of(owners: &[(&NodeId, RangeInclusive<u16>)]) -> Self {
        let mut topology = Self::unknown();
        owners.iter().for_each(|(node, slots)| topology.own(node, slots.clone()));
        topology
    }

    /// Makes a node the owner of these slots, in place of the owner before.
    #[cfg(feature = "cluster")]
    pub(super) fn own(&mut self, node: &NodeId, slots: RangeInclusive<u16>) {
        let known = self.primaries.iter().position(|primary| primary == node);
        let position = known.unwrap_or_else(|| {
            self.primaries.push(node.clone());
            self.replicas.retain(|replica| replica != node);
            self.primaries.len() - 1
        });
        // There are fewer primaries than slots.
        let position = u16::try_from(position).unwrap_or(NOBODY);
        if let Some(owners) = self.owners.get_mut(usize::from(*slots.start())..=usize::from(*slots.end())) {
            owners.fill(position);
        }
    }

    /// Adds a replica, unless the node owns slots.
    #[cfg(feature = "cluster")]
    pub(super) fn add_replica(&mut self, node: NodeId) {
        if !self.nodes().any(|known| *known == node) {
            self.replicas.push(node);
        }
    }

    /// Returns this topology with a version that follows `before`; `None` if nothing changed.
    #[cfg(feature = "cluster")]
    pub(super) fn after(self, before: &Self) -> Option<Self> {
        let is_same = [(&self.primaries, &before.primaries), (&self.replicas, &before.replicas)]
            .iter()
            .all(|(new, old)| new.len() == old.len() && new.iter().all(|node| old.contains(node)))
            && (0..SLOTS).all(|slot| self.owner(slot) == before.owner(slot));
        (!is_same).then_some(Self { version: before.version + 1, ..self })
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
    #[cfg(any(test, feature = "cluster"))]
    pub(crate) fn replicas(&self) -> &[NodeId] {
        &self.replicas
    }

    /// Returns all nodes, primaries first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.primaries.iter().chain(&self.replicas)
    }

    /// Returns `true` if there are slots that no known node owns.
    pub(crate) fn has_gaps(&self) -> bool {
        self.owners.contains(&NOBODY)
    }

    /// Returns the owner of the slot with this number; `None` if nobody owns it.
    pub(crate) fn owner(&self, slot: u16) -> Option<&NodeId> {
        self.primaries.get(self.position(slot)?)
    }

    /// Returns the position of the owner of a slot in [`Topology::primaries`]; `None` if nobody owns it.
    pub(crate) fn position(&self, slot: u16) -> Option<usize> {
        self.owners.get(usize::from(slot)).filter(|owner| **owner != NOBODY).map(|owner| usize::from(*owner))
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

#[cfg(all(test, feature = "cluster"))]
mod tests {
    use super::*;

    fn node(port: u16) -> NodeId {
        NodeId::new(Address::Tcp { host: "h".to_owned(), port })
    }

    fn two() -> Topology {
        let mut topology = Topology::unknown();
        topology.own(&node(1), 0..=9);
        topology.own(&node(2), 10..=16_383);
        topology.add_replica(node(3));
        topology
    }

    #[test]
    fn slots_have_owners() {
        let topology = two();
        assert_eq!(
            [0, 9, 10, 16_383].map(|slot| topology.owner(slot)),
            [Some(&node(1)), Some(&node(1)), Some(&node(2)), Some(&node(2))]
        );
        assert_eq!(topology.owner(16_384), None);
        assert_eq!(Topology::unknown().owner(0), None);
        assert_eq!(topology.nodes().count(), 3);
    }

    #[test]
    fn a_replica_becomes_an_owner() {
        let (before, mut topology) = (two(), two());
        topology.own(&node(3), 0..=0);
        topology.add_replica(node(3));
        assert_eq!((topology.owner(0), topology.owner(1)), (Some(&node(3)), Some(&node(1))));
        assert!(topology.replicas().is_empty());
        let topology = topology.after(&before).expect("a change");
        assert!(topology.version() > before.version());
    }

    #[test]
    fn the_order_of_nodes_is_no_change() {
        let mut other = Topology::unknown();
        other.own(&node(2), 10..=16_383);
        other.own(&node(1), 0..=9);
        other.add_replica(node(3));
        assert!(other.clone().after(&two()).is_none());
        other.add_replica(node(4));
        assert!(other.after(&two()).is_some());
    }
}
