//! Larder's own runtime and threads, and what all caches of the process share.

pub(crate) mod background;
pub(crate) mod caught;
mod driven;
pub(crate) mod first;
pub(crate) mod io;
pub(crate) mod join;
mod own_runtime;
pub(crate) mod park;
pub(crate) mod random;
pub(crate) mod stack;
pub(crate) mod stripe;
pub(crate) mod yield_once;
