//! Work: the body of a function, which can run where it was called or apart from its caller.
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
pub enum Place {
    /// In the call, with what the caller lent.
    Here,
    /// In a task of its own, with clones of what the caller lent.
    Apart,
}

/// The body of an async function, not yet begun.
pub enum Work<F, R> {
    /// For [`Place::Here`].
    Here(F),
    /// For [`Place::Apart`].
    Apart(Pin<Box<dyn Future<Output = R> + Send>>),
}

impl<F, R> Work<F, R> {
    /// A body that owns all it needs.
    pub fn apart(body: impl Future<Output = R> + Send + 'static) -> Self {
        Self::Apart(Box::pin(body))
    }
}

impl<F: Future<Output = R>, R> Work<F, R> {
    /// Runs it.
    pub(crate) async fn done(self) -> R {
        match self {
            Self::Here(body) => body.await,
            Self::Apart(body) => body.await,
        }
    }
}

/// The body of a synchronous function, not yet begun.
pub enum SyncWork<F, R> {
    /// For [`Place::Here`].
    Here(F),
    /// For [`Place::Apart`].
    Apart(Box<dyn FnOnce() -> R + Send>),
}

impl<F, R> SyncWork<F, R> {
    /// A body that owns all it needs.
    pub fn apart(body: impl FnOnce() -> R + Send + 'static) -> Self {
        Self::Apart(Box::new(body))
    }
}

/// What was lent to a call, once its refresh has one of its own. Boxed behind the borrow, so that what cannot be cloned is told
/// by [`Owns`] and not by a type that cannot be named.
pub struct Owned<T: ?Sized>(Box<dyn Lend<T>>);

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
pub struct Background;

/// What can be cloned for a background refresh where the caller only lent it.
#[diagnostic::on_unimplemented(
    message = "`{T}` is borrowed here, and a refresh in the background needs one of its own",
    label = "cannot be cloned for the background",
    note = "for that it has to be `Clone + Send + Sync + 'static`: implement `Clone`, take an `Arc` instead of a reference, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait Owns<T: ?Sized> {
    /// The clone.
    fn own(value: &T) -> Owned<T>;
}

#[diagnostic::do_not_recommend]
impl<T> Owns<T> for Background
where
    T: ToOwned + ?Sized + 'static,
    T::Owned: Send + Sync + 'static,
{
    fn own(value: &T) -> Owned<T> {
        Owned(Box::new(value.to_owned()))
    }
}

/// A clone of what `value` refers to.
pub fn owned<T: ?Sized>(value: &T) -> Owned<T>
where
    Background: Owns<T>,
{
    <Background as Owns<T>>::own(value)
}

/// What the body borrows in the background.
pub fn lent<T: ?Sized>(owned: &Owned<T>) -> &T {
    (*owned.0).lend()
}

/// What a background refresh can take with it where the caller gave it away.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot go with a refresh in the background",
    label = "cannot be sent to another thread",
    note = "for that it has to be `Send + 'static`: take an `Arc` or another owned type, or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait Takes<T> {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Takes<T> for Background {}

/// `value`, which goes with a background refresh.
pub fn moved<T>(value: T) -> T
where
    Background: Takes<T>,
{
    value
}

/// The type of an argument that has no name, such as `impl Trait`.
///
/// A closure cannot write it, and would have to know it before the first method is called on the argument.
pub struct Kind<T: ?Sized>(PhantomData<fn(&T)>);

/// The type of `value`.
pub fn kind<T: ?Sized>(_: &T) -> Kind<T> {
    Kind(PhantomData)
}

impl<T: ?Sized> Kind<T> {
    /// `value`, which has this type.
    pub fn moved(self, value: T) -> T
    where
        T: Sized,
    {
        value
    }

    /// `value`, which has this type.
    pub fn lent(self, value: &T) -> &T {
        value
    }
}

impl<T: ?Sized> Copy for Kind<T> {}
impl<T: ?Sized> Clone for Kind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, R> fmt::Debug for Work<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

impl<F, R> fmt::Debug for SyncWork<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncWork")
    }
}

impl<T: ?Sized> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owned")
    }
}

impl<T: ?Sized> fmt::Debug for Kind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kind")
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
        let owned =
            (owned(text.as_str()), owned(list.as_slice()), owned(Path::new("/x")), owned(&5_u8), moved(text));
        drop(list);
        let told = thread::spawn(move || {
            let (text, list, path, number, same) = &owned;
            assert_eq!(lent(text), same);
            format!("{}{:?}{}{}", lent(text), lent(list), lent(path).display(), lent(number))
        });
        assert_eq!(told.join().expect("told"), "text[1, 2]/x5");
    }

    #[test]
    fn a_kind_is_the_type_of_its_argument() {
        let text = "text";
        let kind = kind(text);
        let length = move |text: &_| kind.lent(text).len();
        assert_eq!(length(text), 4);
        let kind = super::kind(&text);
        let length = move |text: _| kind.moved(text).len();
        assert_eq!(length(text), 4);
    }

    #[test]
    fn work_is_done_in_both_places() {
        let work = async {
            let here = Work::Here(async { 1 }).done().await;
            here + Work::<std::future::Ready<u8>, u8>::apart(async { 2 }).done().await
        };
        assert_eq!(crate::park::block_on(work), 3);
    }
}
