//! The body of a function for several ids, which runs once for each set of ids that are missing.

use std::fmt;
use std::pin::Pin;

use super::body::for_background_options;
use super::kind::Ignored;

/// A body in the background: it takes the ids, and owns its other arguments.
type BackgroundBody<T, F> =
    Box<dyn FnOnce(Vec<T>) -> Pin<Box<dyn Future<Output = <F as Future>::Output> + Send>> + Send>;

/// The body of an async function for several ids, not yet started.
pub enum ManyBody<T, F: Future> {
    /// Inside the call, for the ids that were asked for.
    Inline(F),
    /// In a background task, with clones of borrowed arguments.
    Background(BackgroundBody<T, F>),
}

/// The body of a synchronous function for several ids, not yet started.
pub enum SyncManyBody<T, F, R> {
    /// Inside the call, for the ids that were asked for.
    Inline(F),
    /// In a background task, with clones of borrowed arguments.
    Background(Box<dyn FnOnce(Vec<T>) -> R + Send>),
}

macro_rules! background_bodies {
    ($($name:ident)*) => {
        impl<T, F: Future> ManyBody<T, F> {
            $(
                /// Boxes a body that owns its arguments.
                pub fn $name<B: Future<Output = F::Output> + Send + 'static>(
                    body: impl FnOnce(Vec<T>) -> B + Send + 'static,
                ) -> Self {
                    Self::Background(Box::new(move |ids| Box::pin(body(ids))))
                }
            )*
        }

        impl<T, F, R> SyncManyBody<T, F, R> {
            $(
                /// Boxes a body that owns its arguments.
                pub fn $name(body: impl FnOnce(Vec<T>) -> R + Send + 'static) -> Self {
                    Self::Background(Box::new(body))
                }
            )*
        }
    };
}

for_background_options!(background_bodies);

/// An argument beside the ids, which each run of the body needs once more.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed to the function a second time",
    label = "needs `Clone` here",
    note = "a function for several ids may run more than once in a call; take the argument by shared reference, or implement `Clone` for it"
)]
pub trait PassAgain: Sized {
    /// Returns the argument for one more run.
    fn pass_again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> PassAgain for T {
    fn pass_again(&self) -> Self {
        self.clone()
    }
}

/// Returns an argument for one more run of the body.
pub fn pass_again<T: PassAgain>(argument: &T) -> T {
    argument.pass_again()
}

/// The kind of an argument that an entry need not know.
#[diagnostic::on_unimplemented(
    message = "this argument may change the value, and `of` does not mention it",
    label = "neither in `of` nor ignored",
    note = "pass it on in a closure, such as `of = |id| user_entry(tenant, id)`; or write `#[cache(ignore)]` before it if the value is the same whatever it holds, as for a pool or a client"
)]
pub trait OutsideEntry {}
impl OutsideEntry for Ignored {}

/// Checks that an argument need not be known to the entries.
pub fn outside_entry<K: OutsideEntry>(_: K) {}

impl<T, F: Future> fmt::Debug for ManyBody<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManyBody")
    }
}

impl<T, F, R> fmt::Debug for SyncManyBody<T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncManyBody")
    }
}
