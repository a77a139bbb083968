//! The process-wide cache.

use once_cell::sync::OnceCell;

use crate::handle::cache::Cache;
use crate::types::error::Error;

static GLOBAL: OnceCell<Cache> = OnceCell::new();

/// The process-wide cache, if there is one yet.
pub(crate) fn get() -> Option<&'static Cache> {
    GLOBAL.get()
}

/// Installs the process-wide cache.
pub(crate) fn set(cache: Cache) -> Result<(), Error> {
    GLOBAL.set(cache).map_err(|_| Error::AlreadyInitialised)
}
