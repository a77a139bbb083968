//! The budget of one decoding.

use std::cell::Cell;

use serde::de::Error;

/// The deepest nesting: structs, sequences, maps, enums, options and newtypes each count.
pub(in crate::codec) const MAX_DEPTH: usize = 256;
/// The largest number of elements without a byte of their own.
pub(in crate::codec) const MAX_EMPTY: u32 = 1 << 16;

/// The values that take no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) enum Empty {
    /// No value: units and lengths have bytes.
    Nothing,
    /// Units, and whatever consists of units alone.
    #[cfg_attr(not(feature = "postcard"), expect(dead_code, reason = "postcard's"))]
    Units,
}

/// The depth, the bytes and the empty elements of one decoding so far.
#[derive(Debug)]
pub(in crate::codec) struct Budget {
    empty: Empty,
    depth: Cell<usize>,
    /// The number of values that took bytes.
    reads: Cell<u64>,
    empty_elements: Cell<u32>,
}

impl Budget {
    /// Creates the budget of a format in which `empty` takes no bytes.
    pub(in crate::codec) fn new(empty: Empty) -> Self {
        Self { empty, depth: Cell::new(0), reads: Cell::new(0), empty_elements: Cell::new(0) }
    }

    /// Notes a value that takes bytes.
    pub(super) fn read(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    /// Notes a unit.
    pub(super) fn read_unit(&self) {
        if self.empty == Empty::Nothing {
            self.read();
        }
    }

    /// Runs `inner` one level deeper.
    pub(super) fn descend<T, E: Error>(&self, inner: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth.set(depth + 1);
        let result = inner();
        self.depth.set(depth);
        result
    }

    /// Returns the number of values that took bytes.
    pub(super) fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// Counts an element, if no value has taken bytes since there were `reads`.
    pub(super) fn count_element<E: Error>(&self, reads: u64) -> Result<(), E> {
        if self.reads.get() != reads {
            return Ok(());
        }
        let elements = self.empty_elements.get() + 1;
        self.empty_elements.set(elements);
        if elements > MAX_EMPTY {
            return Err(E::custom(format_args!("more than {MAX_EMPTY} elements without a byte")));
        }
        Ok(())
    }
}
