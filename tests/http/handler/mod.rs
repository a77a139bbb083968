//! Handlers with `#[cache(response)]`, as their clients see them.

mod app;
mod expiry;
mod headers;
mod requests;
mod transport;
