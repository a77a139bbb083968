//! The guarantees of cached values, for responses.

mod app;
mod once;
mod outage;
mod stale;
mod uncached;
