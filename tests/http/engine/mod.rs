//! The guarantees of cached values, for responses.

mod app;
mod once;
mod outage;
mod passing;
mod stale;
mod uncached;
mod variants;
