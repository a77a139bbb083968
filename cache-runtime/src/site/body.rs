//! The body of a cached function, which can run inside the call or in the background.
//!
//! A background refresh outlives the call that found the value stale, so it cannot borrow the caller's arguments. Generated
//! code passes one closure, which is called at most once, with a [`RunMode`]: it returns the body with the arguments as they
//! were passed, or the body with arguments that it owns.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The two ways in which a body can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// Inside the call, with the caller's arguments.
    Inline,
    /// In a background task, with clones of borrowed arguments.
    Background,
}

/// The body of an async function, not yet started.
pub enum Body<F, R> {
    /// For [`RunMode::Inline`].
    Inline(F),
    /// For [`RunMode::Background`].
    Background(Pin<Box<dyn Future<Output = R> + Send>>),
}

/// Declares a constructor for each option that refreshes in the background. They are alike: the name tells, in a compiler message
/// about a body that is not `Send`, which option needs that.
macro_rules! for_background_options {
    ($declare:ident) => {
        $declare! {
            stale_while_revalidate_needs_send
            soft_timeout_needs_send
            refresh_ahead_needs_send
            background_needs_send
        }
    };
}
pub(super) use for_background_options;

macro_rules! background_bodies {
    ($($name:ident)*) => {
        impl<F, R> Body<F, R> {
            $(
                /// Boxes a body that owns its arguments.
                pub fn $name<B: Future<Output = R> + Send + 'static>(body: B) -> Self {
                    Self::Background(Box::pin(body))
                }
            )*
        }

        impl<F, R> SyncBody<F, R> {
            $(
                /// Boxes a body that owns its arguments.
                pub fn $name<B: FnOnce() -> R + Send + 'static>(body: B) -> Self {
                    Self::Background(Box::new(body))
                }
            )*
        }
    };
}

for_background_options!(background_bodies);

impl<F: Future<Output = R> + Send + 'static, R> Body<F, R> {
    /// Boxes the body.
    #[cfg(feature = "axum")]
    pub(crate) fn boxed(self) -> Pin<Box<dyn Future<Output = R> + Send>> {
        match self {
            Self::Inline(body) => Box::pin(body),
            Self::Background(body) => body,
        }
    }
}

/// The body of an async function while it runs.
pub(crate) enum RunningBody<F, R> {
    Inline(Pin<Box<F>>),
    Background(Pin<Box<dyn Future<Output = R> + Send>>),
}

impl<F, R> RunningBody<F, R> {
    /// Boxes the body that `make` returns. Its making leaves nothing on the stack.
    #[inline(never)]
    pub(crate) fn new(make: impl FnOnce() -> Body<F, R>) -> Self {
        match make() {
            Body::Inline(body) => Self::Inline(Box::pin(body)),
            Body::Background(body) => Self::Background(body),
        }
    }
}

impl<F: Future<Output = R>, R> Future for RunningBody<F, R> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        match self.get_mut() {
            Self::Inline(body) => body.as_mut().poll(context),
            Self::Background(body) => body.as_mut().poll(context),
        }
    }
}

/// The body of a synchronous function, not yet started.
pub enum SyncBody<F, R> {
    /// For [`RunMode::Inline`].
    Inline(F),
    /// For [`RunMode::Background`].
    Background(Box<dyn FnOnce() -> R + Send>),
}

/// The owned clone of a borrowed argument. The type of the owned value is erased, so that a missing `Clone` is an error of
/// [`CloneForBackground`] and not of an associated type that the user never wrote.
pub struct BackgroundClone<T: ?Sized>(Box<dyn BorrowFrom<T>>);

/// An owned value that a `T` can be borrowed from, in any thread.
trait BorrowFrom<T: ?Sized>: Send + Sync {
    fn borrow_value(&self) -> &T;
}

impl<T: ?Sized, O: Borrow<T> + Send + Sync> BorrowFrom<T> for O {
    fn borrow_value(&self) -> &T {
        self.borrow()
    }
}

/// The type that implements the traits below. Because the argument is their type parameter, compiler errors are about the
/// argument.
#[derive(Debug)]
pub struct InBackground;

/// A borrowed argument that can be cloned for a background refresh.
#[diagnostic::on_unimplemented(
    message = "`{T}` is borrowed here, and a background refresh needs a clone of it",
    label = "cannot be cloned for the background",
    note = "the clone needs `Clone + Send + Sync + 'static`: implement `Clone`, take an `Arc` instead of a reference, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait CloneForBackground<T: ?Sized> {
    /// Clones the argument.
    fn clone_for_background(value: &T) -> BackgroundClone<T>;
}

#[diagnostic::do_not_recommend]
impl<T> CloneForBackground<T> for InBackground
where
    T: ToOwned + ?Sized + 'static,
    T::Owned: Send + Sync + 'static,
{
    fn clone_for_background(value: &T) -> BackgroundClone<T> {
        BackgroundClone(Box::new(value.to_owned()))
    }
}

/// Clones a borrowed argument.
pub fn clone_for_background<T: ?Sized>(value: &T) -> BackgroundClone<T>
where
    InBackground: CloneForBackground<T>,
{
    <InBackground as CloneForBackground<T>>::clone_for_background(value)
}

/// Borrows the argument from its clone, for the body in the background.
pub fn borrowed<T: ?Sized>(owned: &BackgroundClone<T>) -> &T {
    (*owned.0).borrow_value()
}

/// An argument passed by value that can be moved into a background refresh.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be moved into a background refresh",
    label = "cannot be sent to another thread",
    note = "a background refresh needs `Send + 'static`: take an `Arc` or another owned type, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait MoveToBackground<T> {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> MoveToBackground<T> for InBackground {}

/// Returns `value`, checked to be movable into a background refresh.
pub fn move_to_background<T>(value: T) -> T
where
    InBackground: MoveToBackground<T>,
{
    value
}

/// The type of an argument whose type has no name, such as `impl Trait`.
///
/// The parameters of a closure need a known type before the first method is called on them. `by_value` and `by_ref` provide
/// that type where generated code cannot write its name.
pub struct ArgType<T: ?Sized>(PhantomData<fn(&T)>);

/// Returns the type of `value`.
pub fn arg_type<T: ?Sized>(_: &T) -> ArgType<T> {
    ArgType(PhantomData)
}

impl<T: ?Sized> ArgType<T> {
    /// Returns `value`, which has this type.
    pub fn by_value(self, value: T) -> T
    where
        T: Sized,
    {
        value
    }

    /// Returns `value`, which has this type.
    pub fn by_ref(self, value: &T) -> &T {
        value
    }
}

impl<T: ?Sized> Copy for ArgType<T> {}
impl<T: ?Sized> Clone for ArgType<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, R> fmt::Debug for Body<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl<F, R> fmt::Debug for SyncBody<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncBody")
    }
}

impl<T: ?Sized> fmt::Debug for BackgroundClone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackgroundClone")
    }
}

impl<T: ?Sized> fmt::Debug for ArgType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArgType")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use super::*;

    #[test]
    fn borrowed_arguments_move_to_another_thread_as_clones() {
        let (text, list) = ("text".to_owned(), vec![1, 2]);
        let owned = (
            clone_for_background(text.as_str()),
            clone_for_background(list.as_slice()),
            clone_for_background(Path::new("/x")),
            clone_for_background(&5_u8),
            move_to_background(text),
        );
        drop(list);
        let joined = thread::spawn(move || {
            let (text, list, path, number, same) = &owned;
            assert_eq!(borrowed(text), same);
            format!("{}{:?}{}{}", borrowed(text), borrowed(list), borrowed(path).display(), borrowed(number))
        });
        assert_eq!(joined.join().expect("no panic"), "text[1, 2]/x5");
    }

    #[test]
    fn arg_type_infers_the_type_of_an_argument() {
        let text = "text";
        let ty = arg_type(text);
        let length = move |text: &_| ty.by_ref(text).len();
        assert_eq!(length(text), 4);
        let ty = arg_type(&text);
        let length = move |text: _| ty.by_value(text).len();
        assert_eq!(length(text), 4);
    }

    #[test]
    fn a_body_runs_in_both_modes() {
        let sum = async {
            let inline = RunningBody::new(|| Body::Inline(async { 1 })).await;
            inline
                + RunningBody::new(|| Body::<std::future::Ready<u8>, u8>::background_needs_send(async { 2 }))
                    .await
        };
        assert_eq!(crate::rt::park::block_on(sum), 3);
    }
}
