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

#[cfg(all(test, feature = "cluster"))]
mod tests {
    use super::*;
    use crate::store::redis::url::Address;

    /// A listener that records its notifications.
    #[derive(Default)]
    struct Recorder(Mutex<Vec<&'static str>>);

    impl Recorder {
        fn take(&self) -> Vec<&'static str> {
            std::mem::take(&mut *self.0.lock().expect("no panic"))
        }

        fn record(&self, what: &'static str) {
            self.0.lock().expect("no panic").push(what);
        }
    }

    impl ChangeListener for Recorder {
        fn on_connected(&self) {
            self.record("connected");
        }
        fn on_lost(&self) {
            self.record("lost");
        }
        fn on_change(&self, _: &[u8]) {
            self.record("change");
        }
        fn on_flush(&self) {
            self.record("flush");
        }
    }

    fn node(port: u16) -> NodeId {
        NodeId::new(Address::Tcp { host: "h".to_owned(), port })
    }

    fn two(first: &NodeId, second: &NodeId) -> Arc<Topology> {
        Arc::new(Topology::of(&[(first, 0..=9), (second, 10..=16_383)]))
    }

    fn covered(coverage: &Coverage<Recorder>) -> [bool; 4] {
        [0, 9, 10, 16_383].map(|slot| coverage.has(slot))
    }

    #[test]
    fn the_slots_of_connected_nodes_are_covered() {
        let [first, second, replica] = [1, 2, 3].map(node);
        let listener = Arc::new(Recorder::default());
        let coverage = Coverage::new(Arc::clone(&listener), two(&first, &second));
        assert_eq!(covered(&coverage), [false; 4]);
        coverage.connected(&replica, 1);
        assert_eq!((covered(&coverage), listener.take()), ([false; 4], vec!["connected"]));
        coverage.connected(&first, 2);
        assert_eq!((covered(&coverage), listener.take()), ([true, true, false, false], vec!["flush"]));
        coverage.connected(&second, 3);
        assert_eq!((covered(&coverage), listener.take()), ([true; 4], vec!["flush"]));
        assert!(coverage.is_complete());
        // The loss of a replica costs nothing, and that of a primary its slots.
        coverage.lost(&replica, 1);
        assert_eq!((covered(&coverage), listener.take()), ([true; 4], vec![]));
        coverage.lost(&second, 3);
        assert_eq!((covered(&coverage), listener.take()), ([true, true, false, false], vec!["flush"]));
        assert!(!coverage.is_complete());
        coverage.lost(&second, 3);
        assert_eq!(listener.take(), Vec::<&str>::new(), "each failed attempt reports the loss again");
        coverage.lost(&first, 2);
        assert_eq!((covered(&coverage), listener.take()), ([false; 4], vec!["lost"]));
    }

    #[test]
    fn copies_are_dropped_when_a_slot_has_another_owner() {
        let [first, second, replica] = [1, 2, 3].map(node);
        let listener = Arc::new(Recorder::default());
        let coverage = Coverage::new(Arc::clone(&listener), two(&first, &second));
        for (number, node) in [&first, &second, &replica].into_iter().enumerate() {
            coverage.connected(node, number as u64);
        }
        listener.take();
        coverage.moved(two(&first, &second));
        assert_eq!(listener.take(), Vec::<&str>::new(), "nothing has moved");
        // The replica is promoted; it is connected already.
        coverage.moved(two(&first, &replica));
        assert_eq!((covered(&coverage), listener.take()), ([true; 4], vec!["flush"]));
        // A new node gets slots.
        let new = node(4);
        coverage.moved(two(&new, &replica));
        assert_eq!((covered(&coverage), listener.take()), ([false, false, true, true], vec!["flush"]));
        coverage.connected(&new, 9);
        assert!(coverage.is_complete());
        // Slots that nobody owns are not covered.
        coverage.moved(Arc::new(Topology::of(&[(&new, 0..=9)])));
        assert_eq!(covered(&coverage), [true, true, false, false]);
    }

    #[test]
    fn a_late_loss_of_an_older_supervisor_does_not_count() {
        let first = node(1);
        let listener = Arc::new(Recorder::default());
        let coverage = Coverage::new(Arc::clone(&listener), Arc::new(Topology::one(first.clone())));
        coverage.connected(&first, 1);
        coverage.connected(&first, 2);
        listener.take();
        coverage.lost(&first, 1);
        assert!(coverage.is_complete() && listener.take().is_empty());
    }
}
