//! The slots of a cluster whose changes are notified.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::listener::ChangeListener;
use crate::store::redis::nodes::{NodeId, SLOTS, Topology};

/// The slots whose owners notify this process of changes. A copy of a key may be made only while its slot is covered.
///
/// A slot is uncovered before the listener drops its copies, and a node that connects covers slots after that. So a copy of
/// what was read while nobody notified is not made: the slot is not covered, or copies were dropped since the read began.
pub(super) struct Coverage<L> {
    listener: Arc<L>,
    slots: Box<[AtomicU64]>,
    state: Mutex<CoverageState>,
}

struct CoverageState {
    topology: Arc<Topology>,
    /// The nodes that notify, each with the number of its supervisor: a late report of an older one does not count.
    connected: HashMap<NodeId, u64>,
}

impl<L: ChangeListener> Coverage<L> {
    /// Returns a coverage of no slots.
    pub(super) fn new(listener: Arc<L>, topology: Arc<Topology>) -> Self {
        let slots = (0..SLOTS / 64).map(|_| AtomicU64::new(0)).collect();
        Self { listener, slots, state: Mutex::new(CoverageState { topology, connected: HashMap::new() }) }
    }

    pub(super) fn listener(&self) -> &L {
        &self.listener
    }

    /// Returns `true` if changes of keys in this slot are notified.
    pub(super) fn has(&self, slot: u16) -> bool {
        let word = self.slots.get(usize::from(slot / 64));
        word.is_some_and(|word| word.load(SeqCst) & 1 << (slot % 64) != 0)
    }

    /// Returns `true` if changes of all keys are notified.
    pub(super) fn is_complete(&self) -> bool {
        self.slots.iter().all(|word| word.load(SeqCst) == u64::MAX)
    }

    /// Records that a node notifies of changes from here on.
    pub(super) fn connected(&self, node: &NodeId, supervisor: u64) {
        let mut state = self.state();
        let is_first = state.connected.is_empty();
        state.connected.insert(node.clone(), supervisor);
        // What is being read now may have changed before the node notified of it.
        if is_first {
            self.listener.on_connected();
        } else if state.topology.primaries().contains(node) {
            self.listener.on_flush();
        }
        self.cover(&state);
    }

    /// Records that a node does not notify any more. The copies of all slots are dropped if it owned any.
    pub(super) fn lost(&self, node: &NodeId, supervisor: u64) {
        let mut state = self.state();
        if state.connected.get(node) != Some(&supervisor) {
            return;
        }
        state.connected.remove(node);
        self.cover(&state);
        if state.connected.is_empty() {
            self.listener.on_lost();
        } else if state.topology.primaries().contains(node) {
            self.listener.on_flush();
        }
    }

    /// Takes over a topology. Copies are dropped if a slot has another owner: the one before may not have notified of changes
    /// that came with it.
    pub(super) fn moved(&self, topology: Arc<Topology>) {
        let mut state = self.state();
        let has_moved = (0..SLOTS).any(|slot| state.topology.owner(slot) != topology.owner(slot));
        state.topology = topology;
        self.cover(&state);
        if has_moved {
            self.listener.on_flush();
        }
    }

    /// Covers the slots whose owners are connected, and no others.
    fn cover(&self, state: &CoverageState) {
        let primaries = state.topology.primaries().iter();
        let connected: Vec<bool> = primaries.map(|node| state.connected.contains_key(node)).collect();
        let covered = |slot| state.topology.position(slot).is_some_and(|position| connected[position]);
        for (first, word) in (0..SLOTS).step_by(64).zip(&self.slots) {
            let bits = (0..64).filter(|bit| covered(first + bit)).fold(0, |bits, bit| bits | 1 << bit);
            if word.load(Relaxed) != bits {
                word.store(bits, SeqCst);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, CoverageState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
