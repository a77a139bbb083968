//! Context: what a call inherits from the code around it: `refresh(..)`, `bypass(..)`, and which keys are being computed
//! further up, so that a recursive function never waits for itself.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Arc;

/// What a call does with the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CallMode {
    /// Read, else compute and store.
    #[default]
    Normal,
    /// Compute and store.
    Refresh,
    /// Compute.
    Bypass,
}

/// What surrounds a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    mode: CallMode,
    computing: Option<Arc<Link>>,
}

/// One key that is being computed, and those around it.
#[derive(Debug)]
struct Link {
    cache: u64,
    key: Box<str>,
    outer: Option<Arc<Link>>,
}

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context { mode: CallMode::Normal, computing: None }) };
    /// The mode of `CURRENT`, apart: every call asks for it, and what has no destructor is there without further ado.
    static MODE: Cell<CallMode> = const { Cell::new(CallMode::Normal) };
}

impl CallMode {
    /// The mode that applies here.
    #[inline]
    pub(crate) fn current() -> Self {
        MODE.get()
    }
}

impl Context {
    /// Whether `key` of the cache is being computed by code that this call is part of.
    pub(crate) fn is_computing(cache: u64, key: &str) -> bool {
        CURRENT.with_borrow(|context| {
            let mut link = context.computing.as_ref();
            while let Some(current) = link {
                if current.cache == cache && *current.key == *key {
                    return true;
                }
                link = current.outer.as_ref();
            }
            false
        })
    }

    /// The context for calls that are to run in `mode`.
    pub(crate) fn with_mode(mode: CallMode) -> Self {
        Self { mode, ..CURRENT.with_borrow(Self::clone) }
    }

    /// The context for the computation of `key`: what it calls in turn is cached as usual.
    pub(crate) fn computing(cache: u64, key: &str) -> Self {
        let outer = CURRENT.with_borrow(|context| context.computing.clone());
        Self { mode: CallMode::Normal, computing: Some(Arc::new(Link { cache, key: key.into(), outer })) }
    }

    /// Runs `future` inside this context.
    pub(crate) async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|task| {
            let _restore = Restore::enter(self.clone());
            future.as_mut().poll(task)
        })
        .await
    }

    /// Runs `f` inside this context.
    pub(crate) fn scope_blocking<R>(self, f: impl FnOnce() -> R) -> R {
        let _restore = Restore::enter(self);
        f()
    }
}

/// Puts the outer context back when a poll ends, by a panic too.
struct Restore(Option<Context>);

impl Restore {
    fn enter(context: Context) -> Self {
        MODE.set(context.mode);
        Self(Some(CURRENT.replace(context)))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            MODE.set(outer.mode);
            CURRENT.set(outer);
        }
    }
}

/// Recomputes the cached functions that `future` calls, and keeps the new results.
///
/// What those functions call in turn is cached as usual. Work that `future` spawns elsewhere is not affected.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// async fn user(id: u64) -> String { format!("user {id}") }
/// let fresh = larder_runtime::refresh(user(42)).await;
/// # assert_eq!(fresh, "user 42");
/// # });
/// ```
pub async fn refresh<F: Future>(future: F) -> F::Output {
    Context::with_mode(CallMode::Refresh).scope(future).await
}

/// Runs the cached functions that `future` calls as if they were not cached: nothing is read, nothing kept.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// async fn user(id: u64) -> String { format!("user {id}") }
/// let computed = larder_runtime::bypass(user(42)).await;
/// # assert_eq!(computed, "user 42");
/// # });
/// ```
pub async fn bypass<F: Future>(future: F) -> F::Output {
    Context::with_mode(CallMode::Bypass).scope(future).await
}

/// [`refresh`] for synchronous functions.
///
/// ```
/// fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
/// let fresh = larder_runtime::refresh_blocking(|| thumbnail("a.png"));
/// # assert_eq!(fresh, b"a.png");
/// ```
pub fn refresh_blocking<R>(f: impl FnOnce() -> R) -> R {
    Context::with_mode(CallMode::Refresh).scope_blocking(f)
}

/// [`bypass`] for synchronous functions.
///
/// ```
/// fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
/// let computed = larder_runtime::bypass_blocking(|| thumbnail("a.png"));
/// # assert_eq!(computed, b"a.png");
/// ```
pub fn bypass_blocking<R>(f: impl FnOnce() -> R) -> R {
    Context::with_mode(CallMode::Bypass).scope_blocking(f)
}
