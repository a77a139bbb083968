//! The ids of a function for several ids: as it takes them, and as its result holds them.

use std::hash::Hash;

/// An id of a function for several ids.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an id of a function for several ids",
    label = "needs `Clone`, `Eq` and `Hash`",
    note = "take ids that can be compared, such as numbers or texts; for a type of yours write `#[derive(Clone, PartialEq, Eq, Hash)]`"
)]
pub trait ManyId: Clone + Eq + Hash {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Eq + Hash> ManyId for T {}

/// An id in the result of a function for several ids of type `T`.
#[diagnostic::on_unimplemented(
    message = "the ids of the result are `{Self}`, and the function takes ids of type `{T}`",
    label = "holds ids of another type",
    note = "return the ids as they are taken, or a type with `From<{T}>`"
)]
pub trait SameId<T>: Sized {
    /// Returns the id as the result holds it.
    fn same_id(id: &T) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone, K: From<T>> SameId<T> for K {
    fn same_id(id: &T) -> Self {
        Self::from(id.clone())
    }
}
