//! Events: what a cache does, as a stream.

mod counts;
mod servers;
mod stream;

use larder::{Cache, Event, Events};

/// Ends the cache, and returns the events that are left.
async fn rest(cache: &Cache, mut events: Events) -> Vec<Event> {
    cache.clone().close().await;
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        all.push(event);
    }
    all
}
