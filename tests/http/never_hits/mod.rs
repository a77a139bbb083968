//! A cache that never hits says why, once.

mod credentials;

mod responses;
mod send;
mod settings;
