//! Striped values: one copy per group of threads, so that threads do not contend for a cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of stripes; threads are assigned in turn.
pub(crate) const STRIPES: usize = 8;

/// One value for each stripe, each on cache lines of its own.
#[derive(Debug, Default)]
pub(crate) struct Striped<T>([Padded<T>; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T> Striped<T> {
    /// Creates one value for each stripe.
    pub(crate) fn new(make: impl Fn() -> T) -> Self {
        Self(std::array::from_fn(|_| Padded(make())))
    }

    /// Returns the value of this thread's stripe.
    #[inline]
    pub(crate) fn here(&self) -> &T {
        self.at(index())
    }

    /// Returns the value of the stripe with this index.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> &T {
        // The number of stripes is a power of two, so that the index is in range.
        &self.0[index & (STRIPES - 1)].0
    }

    /// Returns the values of all stripes.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|padded| &padded.0)
    }
}

/// Returns the index of this thread's stripe.
#[inline]
pub(crate) fn index() -> usize {
    thread_local! {
        // `STRIPES` until the first use. Without a destructor, and so usable until the thread ends.
        static INDEX: Cell<usize> = const { Cell::new(STRIPES) };
    }
    match INDEX.get() {
        index if index < STRIPES => index,
        _ => {
            let index = next();
            INDEX.set(index);
            index
        }
    }
}

#[cold]
fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Relaxed) % STRIPES
}
