//! Tables: entries with a loader, without an attribute.

mod bulk;
mod insert;
mod keys;
mod loads;
mod settings;
mod stale;
mod tags;
