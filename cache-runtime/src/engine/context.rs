//! The context of a call: `refresh(..)`, `bypass(..)`, the cache of the innermost scope, and which keys are being
//! computed further up, so that a recursive function never waits for itself.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{self, Poll};

use super::core::Core;
use super::deferred::DeferredSet;
use super::leader_waker::LeaderWaker;
use super::waits::FlightId;
use super::warming::Warming;
use crate::store::Token;
use crate::types::stamp::Stamps;

/// The number of nested computations that is deep.
const DEEP: u32 = 100;

/// The use that a call makes of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CallMode {
    /// Reads, else computes and stores.
    #[default]
    Normal,
    /// Computes and stores.
    Refresh,
    /// Computes.
    Bypass,
    /// Computes, in a transaction that collects what is invalidated.
    Deferred,
    /// Looks the entry up, and computes on a miss, for a warm-up.
    Warming,
}

/// The surroundings of a call.
#[derive(Clone, Default)]
pub(crate) struct Context {
    mode: CallMode,
    scoped: Option<Arc<Scoped>>,
    parent: Option<Arc<ParentCall>>,
    write: Option<Arc<ActiveWrite>>,
    /// The invalidations of the innermost transaction.
    deferred: Option<Arc<DeferredSet>>,
    /// The call of a warm-up.
    warming: Option<Arc<Warming>>,
}

/// The lease of a write whose function runs, and the writes around it.
pub(crate) struct ActiveWrite {
    cache: u64,
    key: Box<str>,
    pub(super) token: Token,
    /// The stamps of the entry's labels when the lease was granted.
    pub(super) stamps: Stamps,
    outer: Option<Arc<ActiveWrite>>,
}

impl ActiveWrite {
    pub(super) fn new(cache: u64, key: &str, token: Token, stamps: &Stamps) -> Arc<Self> {
        let outer = Context::read(|context| context.write.clone());
        Arc::new(Self { cache, key: key.into(), token, stamps: stamps.clone(), outer })
    }
}

/// The cache of a scope, and the group of the handle that opened the scope.
pub(crate) struct Scoped {
    pub(crate) core: Arc<Core>,
    pub(crate) group: Option<Arc<str>>,
}

/// A key that is being computed, and the computations around it.
#[derive(Debug)]
struct ParentCall {
    cache: u64,
    /// A hash of `key`, because a deep recursion compares it with each of its keys.
    hash: u64,
    key: Box<str>,
    /// The flight that the computation leads, if it leads one.
    flight: Option<(FlightId, Arc<LeaderWaker>)>,
    parent: Option<Arc<ParentCall>>,
    /// The number of computations around this one.
    depth: u32,
}

impl Drop for ParentCall {
    fn drop(&mut self) {
        // In a loop: each would drop the next one otherwise.
        let mut parent = self.parent.take();
        while let Some(mut last) = parent.and_then(Arc::into_inner) {
            parent = last.parent.take();
        }
    }
}

/// True if any scope was opened in this process: without one, a call reads this and nothing else.
static HAS_SCOPES: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CURRENT: RefCell<Context> = const {
        RefCell::new(Context {
            mode: CallMode::Normal,
            scoped: None,
            parent: None,
            write: None,
            deferred: None,
            warming: None,
        })
    };
    /// The mode of `CURRENT` once more: every call asks for the mode, and a type without a destructor is cheaper to reach.
    static MODE: Cell<CallMode> = const { Cell::new(CallMode::Normal) };
}

impl CallMode {
    /// The mode that applies here.
    #[inline]
    pub(crate) fn current() -> Self {
        MODE.get()
    }

    /// Returns whether a call neither reads nor stores.
    #[inline]
    pub(crate) fn bypasses(self) -> bool {
        matches!(self, Self::Bypass | Self::Deferred)
    }
}

impl Context {
    /// The cache of the innermost scope.
    #[inline]
    pub(crate) fn scoped() -> Option<Arc<Scoped>> {
        if HAS_SCOPES.load(Relaxed) { Self::read(|context| context.scoped.clone()) } else { None }
    }

    /// Returns whether `key` of the cache is being computed by code that this call is part of.
    pub(crate) fn is_computing(cache: u64, key: &str) -> bool {
        Self::read(|context| {
            context.parent.is_some() && {
                let hash = hash_of(key);
                let is_same =
                    |parent: &ParentCall| parent.hash == hash && parent.cache == cache && *parent.key == *key;
                context.parents().any(is_same)
            }
        })
    }

    /// The flights of the computations that this call is part of, from the innermost.
    pub(crate) fn flights() -> Vec<FlightId> {
        let flight = |parent: &ParentCall| parent.flight.as_ref().map(|(flight, _)| *flight);
        Self::read(|context| context.parents().filter_map(flight).collect())
    }

    /// The waker of the innermost leader that this call is part of.
    pub(crate) fn leader_waker() -> Option<Arc<LeaderWaker>> {
        let waker = |parent: &ParentCall| parent.flight.as_ref().map(|(_, waker)| Arc::clone(waker));
        Self::read(|context| context.parents().find_map(waker))
    }

    /// Returns whether so many computations are around this call that its thread should wait for a step in the store: after each
    /// ordinary wait all of them are polled again, from the outermost.
    pub(crate) fn is_deep() -> bool {
        Self::read(|context| context.parent.as_ref().is_some_and(|parent| parent.depth >= DEEP))
    }

    /// Reads the current context; an empty one on a thread that is ending and has none any more: destructors of thread-locals may
    /// make calls.
    fn read<R>(f: impl FnOnce(&Self) -> R) -> R {
        if CURRENT.try_with(|_| ()).is_ok() { CURRENT.with_borrow(f) } else { f(&Self::default()) }
    }

    fn parents(&self) -> impl Iterator<Item = &ParentCall> {
        std::iter::successors(self.parent.as_deref(), |parent| parent.parent.as_deref())
    }

    /// The current context, with another mode.
    pub(crate) fn with_mode(mode: CallMode) -> Self {
        let outer = Self::read(Self::clone);
        // In a transaction `refresh(..)` must not store.
        let mode = match mode {
            CallMode::Refresh if outer.deferred.is_some() => CallMode::Deferred,
            mode => mode,
        };
        Self { mode, ..outer }
    }

    /// The current context, inside a transaction.
    pub(crate) fn deferring(set: Arc<DeferredSet>) -> Self {
        Self { mode: CallMode::Deferred, deferred: Some(set), ..Self::read(Self::clone) }
    }

    /// The invalidations of the innermost transaction that this call is part of.
    pub(crate) fn deferred() -> Option<Arc<DeferredSet>> {
        Self::read(|context| context.deferred.clone())
    }

    /// The context of a call of a warm-up.
    pub(crate) fn warming(scoped: Arc<Scoped>, warming: Arc<Warming>) -> Self {
        Self { mode: CallMode::Warming, warming: Some(warming), ..Self::with_cache(scoped) }
    }

    /// Notes that the call of a warm-up looks an entry up.
    #[cold]
    pub(super) fn looked() {
        if let Some(warming) = Self::warmed() {
            warming.looked();
        }
    }

    /// Returns the call of a warm-up that this call is, if it is one. Calls inside its function are not.
    pub(super) fn warmed() -> Option<Arc<Warming>> {
        Self::read(|context| context.warming.clone())
    }

    /// The current context, with the cache of a scope.
    pub(crate) fn with_cache(scoped: Arc<Scoped>) -> Self {
        HAS_SCOPES.store(true, Relaxed);
        Self { scoped: Some(scoped), ..Self::read(Self::clone) }
    }

    /// The context of the computation of `key`, which may lead a flight: the calls in it are cached as usual.
    pub(crate) fn computing(cache: u64, key: &str, flight: Option<(FlightId, Arc<LeaderWaker>)>) -> Self {
        let mut inner = Self::inside();
        let parent = inner.parent.take();
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        let parent = ParentCall { cache, hash: hash_of(key), key: key.into(), flight, parent, depth };
        Self { parent: Some(Arc::new(parent)), ..inner }
    }

    /// The context of one computation of several keys, each of which may lead a flight.
    pub(crate) fn computing_many(
        cache: u64,
        keys: impl Iterator<Item = (Box<str>, Option<(FlightId, Arc<LeaderWaker>)>)>,
    ) -> Self {
        let mut inner = Self::inside();
        let mut parent = inner.parent.take();
        // They are one computation, and no deeper than one.
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        for (key, flight) in keys {
            parent = Some(Arc::new(ParentCall { cache, hash: hash_of(&key), key, flight, parent, depth }));
        }
        Self { parent, ..inner }
    }

    /// The current context, as the body of a cached function has it: the calls in it are cached, except in a transaction.
    fn inside() -> Self {
        let outer = Self::read(Self::clone);
        let mode = if outer.deferred.is_some() { CallMode::Deferred } else { CallMode::Normal };
        if let Some(warming) = &outer.warming {
            warming.ran();
        }
        Self { mode, warming: None, ..outer }
    }

    /// The flight of the innermost computation that this call is part of.
    pub(crate) fn innermost_flight() -> Option<(FlightId, Arc<LeaderWaker>)> {
        Self::read(|context| context.parent.as_ref()?.flight.clone())
    }

    /// The context of the function of a write, which may have no lease.
    pub(super) fn writing(write: Option<Arc<ActiveWrite>>) -> Self {
        let outer = Self::read(Self::clone);
        Self { write: write.or(outer.write), ..outer }
    }

    /// The innermost write of `key` that this call is part of.
    pub(super) fn write_of(cache: u64, key: &str) -> Option<Arc<ActiveWrite>> {
        Self::read(|context| {
            let mut writes = std::iter::successors(context.write.as_ref(), |write| write.outer.as_ref());
            writes.find(|write| write.cache == cache && *write.key == *key).cloned()
        })
    }

    /// The context of work that goes on in the background: keeps only the scope.
    pub(crate) fn detached() -> Self {
        Self { scoped: Self::scoped(), ..Self::default() }
    }

    /// Runs `future` inside this context.
    pub(crate) fn scope<F>(self, future: F) -> Scope<F> {
        Scope { future, context: self }
    }

    /// Runs `f` inside this context.
    pub(crate) fn scope_blocking<R>(mut self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(&mut self);
        f()
    }
}

/// A future that runs inside a context.
pub(crate) struct Scope<F> {
    future: F,
    context: Context,
}

impl<F: Future + Unpin> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let Self { future, context } = self.get_mut();
        let _entered = Entered::new(context);
        Pin::new(future).poll(task)
    }
}

fn hash_of(key: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one(key)
}

/// A context that is the current one until the guard is dropped, at the end of a poll or by a panic. Meanwhile its place
/// holds the outer context: nothing is cloned.
struct Entered<'c>(&'c mut Context);

impl<'c> Entered<'c> {
    fn new(context: &'c mut Context) -> Self {
        swap(context);
        Self(context)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.0);
    }
}

/// Exchanges a context with the current one. Does nothing on a thread that is ending and has none any more.
fn swap(context: &mut Context) {
    let mode = context.mode;
    if CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), context)).is_ok() {
        MODE.set(mode);
    }
}

/// Recomputes the cached functions that `future` calls, and stores the new results.
///
/// Calls that those functions make are cached as usual. Work that `future` spawns elsewhere is not affected.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// async fn user(id: u64) -> String { format!("user {id}") }
/// let fresh = larder::refresh(user(42)).await;
/// # assert_eq!(fresh, "user 42");
/// # });
/// ```
pub async fn refresh<F: Future>(future: F) -> F::Output {
    Context::with_mode(CallMode::Refresh).scope(pin!(future)).await
}

/// Runs the cached functions that `future` calls as if they were not cached: nothing is read or stored.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// async fn user(id: u64) -> String { format!("user {id}") }
/// let computed = larder::bypass(user(42)).await;
/// # assert_eq!(computed, "user 42");
/// # });
/// ```
pub async fn bypass<F: Future>(future: F) -> F::Output {
    Context::with_mode(CallMode::Bypass).scope(pin!(future)).await
}

/// [`refresh`] for synchronous functions.
///
/// ```
/// # use larder_runtime as larder;
/// fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
/// let fresh = larder::refresh_blocking(|| thumbnail("a.png"));
/// # assert_eq!(fresh, b"a.png");
/// ```
pub fn refresh_blocking<R>(f: impl FnOnce() -> R) -> R {
    Context::with_mode(CallMode::Refresh).scope_blocking(f)
}

/// [`bypass`] for synchronous functions.
///
/// ```
/// # use larder_runtime as larder;
/// fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
/// let computed = larder::bypass_blocking(|| thumbnail("a.png"));
/// # assert_eq!(computed, b"a.png");
/// ```
pub fn bypass_blocking<R>(f: impl FnOnce() -> R) -> R {
    Context::with_mode(CallMode::Bypass).scope_blocking(f)
}
