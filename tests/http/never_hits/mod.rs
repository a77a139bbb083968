//! A cache that never hits says why, once.

mod credentials;
mod log;
mod responses;
mod settings;
