//! The process-wide cache.

use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::core::Core;
use crate::types::error::Error;

static GLOBAL: OnceCell<Arc<Core>> = OnceCell::new();

/// The process-wide cache, once one is installed.
#[inline]
pub(crate) fn get() -> Option<&'static Arc<Core>> {
    GLOBAL.get()
}

/// Installs the process-wide cache.
///
/// # Errors
/// There is one already.
pub(crate) fn set(core: Arc<Core>) -> Result<(), Error> {
    GLOBAL.set(core).map_err(|_| Error::AlreadyInitialised)
}
