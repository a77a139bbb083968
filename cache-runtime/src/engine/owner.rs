//! The cache that a call uses.

use std::sync::{Arc, LazyLock};

use once_cell::sync::Lazy;

use super::context::Context;
use super::core::Core;
use super::global;

/// The cache that a call uses. The process-wide one is borrowed: counting references on every call would make all
/// threads write to one cache line.
pub(crate) enum Owner {
    Global(&'static Arc<Core>),
    Explicit(Arc<Core>),
    Nobody,
}

/// The argument of `cache = ..`: a [`Cache`](crate::Cache), a reference to one, an `Arc` of one, or a static that makes one
/// (`LazyLock`, `once_cell::sync::Lazy`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    label = "expected a `larder::Cache`, a reference to one, an `Arc` or a `LazyLock` of one"
)]
pub trait AsCache {
    /// The shared part of the cache.
    #[doc(hidden)]
    fn as_core(&self) -> &Arc<Core>;
}

impl Owner {
    /// The cache of the innermost scope, else the process-wide one.
    #[inline]
    pub(crate) fn current() -> Self {
        match Context::scoped() {
            Some(scoped) => Self::Explicit(Arc::clone(&scoped.core)),
            None => global::get().map_or(Self::Nobody, Self::Global),
        }
    }

    /// The cache, if there is one.
    #[inline]
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        match self {
            Self::Global(core) => Some(core),
            Self::Explicit(core) => Some(core),
            Self::Nobody => None,
        }
    }
}

impl<C: AsCache + ?Sized> AsCache for &C {
    fn as_core(&self) -> &Arc<Core> {
        (**self).as_core()
    }
}

impl<C: AsCache + ?Sized> AsCache for Arc<C> {
    fn as_core(&self) -> &Arc<Core> {
        (**self).as_core()
    }
}

/// Makes the cache at the first call.
impl<C: AsCache, F: FnOnce() -> C> AsCache for LazyLock<C, F> {
    fn as_core(&self) -> &Arc<Core> {
        (**self).as_core()
    }
}

/// Makes the cache at the first call.
impl<C: AsCache, F: FnOnce() -> C> AsCache for Lazy<C, F> {
    fn as_core(&self) -> &Arc<Core> {
        (**self).as_core()
    }
}
