//! Body: the body of a function, which can run where it was called or apart from its caller.
//!
//! A refresh in the background outlives the call that found the value stale, so it cannot borrow what its caller lent. Generated
//! code hands over one closure that is asked once for one of the two: the body with the arguments as they came, or the body with
//! arguments of its own.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

/// Where a body is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// In the call, with what the caller lent.
    Inline,
    /// In a task of its own, with clones of what the caller lent.
    Background,
}

/// The body of an async function, not yet begun.
pub enum Body<F, R> {
    /// For [`RunMode::Inline`].
    Inline(F),
    /// For [`RunMode::Background`].
    Background(Pin<Box<dyn Future<Output = R> + Send>>),
}

impl<F, R> Body<F, R> {
    /// A body that owns all it needs.
    pub fn background(body: impl Future<Output = R> + Send + 'static) -> Self {
        Self::Background(Box::pin(body))
    }
}

impl<F: Future<Output = R>, R> Body<F, R> {
    /// Runs it.
    pub(crate) async fn run(self) -> R {
        match self {
            Self::Inline(body) => body.await,
            Self::Background(body) => body.await,
        }
    }
}

/// The body of a synchronous function, not yet begun.
pub enum SyncBody<F, R> {
    /// For [`RunMode::Inline`].
    Inline(F),
    /// For [`RunMode::Background`].
    Background(Box<dyn FnOnce() -> R + Send>),
}

impl<F, R> SyncBody<F, R> {
    /// A body that owns all it needs.
    pub fn background(body: impl FnOnce() -> R + Send + 'static) -> Self {
        Self::Background(Box::new(body))
    }
}

/// What was lent to a call, once its refresh has one of its own. Boxed behind the borrow, so that what cannot be cloned is told
/// by [`CloneForBackground`] and not by a type that cannot be named.
pub struct BackgroundClone<T: ?Sized>(Box<dyn Lend<T>>);

/// Something that a `T` can be borrowed from, in any thread.
trait Lend<T: ?Sized>: Send + Sync {
    fn lend(&self) -> &T;
}

impl<T: ?Sized, O: Borrow<T> + Send + Sync> Lend<T> for O {
    fn lend(&self) -> &T {
        self.borrow()
    }
}

/// Stands before the traits below, so that a message is about the argument and offers nothing but its remedy.
#[derive(Debug)]
pub struct InBackground;

/// What can be cloned for a background refresh where the caller only lent it.
#[diagnostic::on_unimplemented(
    message = "`{T}` is borrowed here, and a refresh in the background needs one of its own",
    label = "cannot be cloned for the background",
    note = "for that it has to be `Clone + Send + Sync + 'static`: implement `Clone`, take an `Arc` instead of a reference, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait CloneForBackground<T: ?Sized> {
    /// The clone.
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

/// A clone of what `value` refers to.
pub fn clone_for_background<T: ?Sized>(value: &T) -> BackgroundClone<T>
where
    InBackground: CloneForBackground<T>,
{
    <InBackground as CloneForBackground<T>>::clone_for_background(value)
}

/// What the body borrows in the background.
pub fn borrowed<T: ?Sized>(owned: &BackgroundClone<T>) -> &T {
    (*owned.0).lend()
}

/// What a background refresh can take with it where the caller gave it away.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot go with a refresh in the background",
    label = "cannot be sent to another thread",
    note = "for that it has to be `Send + 'static`: take an `Arc` or another owned type, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait MoveToBackground<T> {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> MoveToBackground<T> for InBackground {}

/// `value`, which goes with a background refresh.
pub fn move_to_background<T>(value: T) -> T
where
    InBackground: MoveToBackground<T>,
{
    value
}

/// The type of an argument that has no name, such as `impl Trait`.
///
/// A closure cannot write it, and would have to know it before the first method is called on the argument.
pub struct ArgType<T: ?Sized>(PhantomData<fn(&T)>);

/// The type of `value`.
pub fn arg_type<T: ?Sized>(_: &T) -> ArgType<T> {
    ArgType(PhantomData)
}

impl<T: ?Sized> ArgType<T> {
    /// `value`, which has this type.
    pub fn by_value(self, value: T) -> T
    where
        T: Sized,
    {
        value
    }

    /// `value`, which has this type.
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
    fn what_is_lent_goes_to_another_thread_as_a_clone() {
        let (text, list) = ("text".to_owned(), vec![1, 2]);
        let owned = (
            clone_for_background(text.as_str()),
            clone_for_background(list.as_slice()),
            clone_for_background(Path::new("/x")),
            clone_for_background(&5_u8),
            move_to_background(text),
        );
        drop(list);
        let told = thread::spawn(move || {
            let (text, list, path, number, same) = &owned;
            assert_eq!(borrowed(text), same);
            format!("{}{:?}{}{}", borrowed(text), borrowed(list), borrowed(path).display(), borrowed(number))
        });
        assert_eq!(told.join().expect("told"), "text[1, 2]/x5");
    }

    #[test]
    fn a_kind_is_the_type_of_its_argument() {
        let text = "text";
        let kind = arg_type(text);
        let length = move |text: &_| kind.by_ref(text).len();
        assert_eq!(length(text), 4);
        let kind = arg_type(&text);
        let length = move |text: _| kind.by_value(text).len();
        assert_eq!(length(text), 4);
    }

    #[test]
    fn work_is_done_in_both_places() {
        let work = async {
            let here = Body::Inline(async { 1 }).run().await;
            here + Body::<std::future::Ready<u8>, u8>::background(async { 2 }).run().await
        };
        assert_eq!(crate::rt::park::block_on(work), 3);
    }
}
