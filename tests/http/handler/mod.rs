//! Handlers with `#[cache(response)]`, as their clients see them.

mod app;
mod cache_control;
mod cache_status;
mod client_times;
mod expiry;
mod headers;
mod requests;
mod transport;
