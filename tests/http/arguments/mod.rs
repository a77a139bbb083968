//! Arguments of handlers, each of which counts in its own way.

mod attributes;
mod body;
mod content;
mod identity;
mod url;

use larder::{Cache, IgnoreInKey};
use std::sync::Arc;
use support::stores::Calls;

/// The state of the handlers.
#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

impl IgnoreInKey for App {}

impl App {
    fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default() }
    }

    /// A page that tells its computations apart.
    fn page(&self, text: impl std::fmt::Display) -> String {
        format!("{text} {}", self.calls.add())
    }
}
