//! Larder's own runtime and threads, and what every part of the process shares with them.

pub(crate) mod background;
pub(crate) mod io;
pub(crate) mod park;
pub(crate) mod random;
pub(crate) mod stripe;
