//! The computation of several ids: it may run more than once in a call, each time for other ids.

use super::board::StaleId;

/// A computation of several ids.
pub(crate) trait ManyComputation<T> {
    /// The result. It is no parameter: a future could not be found to be `Send` where the two have to be equal.
    type Output;
    /// The computation inside the call.
    type Running: Future<Output = Self::Output>;

    /// Returns whether the computation can run in the background.
    fn can_detach(&self) -> bool;
    /// Runs inside the call, for these ids.
    fn start(&self, ids: Vec<T>) -> Self::Running;
    /// Refreshes stale ids in the background.
    fn detach(&self, stale: Vec<StaleId>);
}

/// A computation that may borrow from its caller.
pub(crate) struct Inline<B>(pub(crate) B);

impl<T, F: Future, B: Fn(Vec<T>) -> F> ManyComputation<T> for Inline<B> {
    type Output = F::Output;
    type Running = F;

    fn can_detach(&self) -> bool {
        false
    }

    fn start(&self, ids: Vec<T>) -> F {
        (self.0)(ids)
    }

    fn detach(&self, _: Vec<StaleId>) {}
}
