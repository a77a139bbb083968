//! Publish: the counts, told to the `metrics` facade once a second.
//!
//! From a task of larder's own, so that a call costs nothing more. Labels are the function and the prefix of the cache:
//! never a key, of which there is no end.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Label, SharedString};

use crate::engine::core::Core;
use crate::observe::stats::Counts;
use crate::rt::io;
use crate::types::breaker::Breaker;

/// How old what is told may be.
const PERIOD: Duration = Duration::from_secs(1);

/// Publishes while the cache lives and is not closed.
pub(crate) fn start(core: &Arc<Core>) {
    // It must not keep a cache alive that nobody has any more.
    let core = Arc::downgrade(core);
    io::spawn(async move {
        loop {
            tokio::time::sleep(PERIOD).await;
            let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return };
            publish(&core);
        }
    });
}

/// Publishes how things are now.
pub(crate) fn publish(core: &Core) {
    describe();
    let prefix = core.prefix.strip_suffix(':').unwrap_or(&core.prefix);
    let cache = Label::new("cache", SharedString::from(prefix.to_owned()));
    for row in core.stats.stats().functions {
        let labels = vec![Label::new("function", SharedString::from(row.function)), cache.clone()];
        row.counts.each(|name, _, count| metrics::counter!(name, labels.clone()).absolute(count));
    }
    // What is told is how many, and a few thousand fit into a float without loss.
    let gauges = [
        ("larder_connected", f64::from(u8::from(core.store.breaker() == Breaker::Closed))),
        ("larder_pending_invalidations", core.pending.len() as f64),
        ("larder_background", core.background.len() as f64),
    ];
    for (name, value) in gauges {
        metrics::gauge!(name, vec![cache.clone()]).set(value);
    }
}

/// Each time, because a recorder may be installed later than the cache.
fn describe() {
    Counts::default().each(|name, text, _| metrics::describe_counter!(name, text.trim_ascii()));
    metrics::describe_gauge!("larder_connected", "Whether calls go to the store: 1 or 0.");
    metrics::describe_gauge!(
        "larder_pending_invalidations",
        "Invalidations that the store has still to carry out."
    );
    metrics::describe_gauge!("larder_background", "Refreshes and other work under way in the background.");
}
