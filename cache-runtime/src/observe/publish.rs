//! The counts, published through the `metrics` facade once a second.
//!
//! A background task publishes them, so calls pay nothing. Labels are the function and the prefix of the cache; keys are
//! never labels, as their number is unbounded.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Label, SharedString};

use crate::engine::core::Core;
use crate::observe::stats::Counts;
use crate::rt::io;
use crate::types::breaker::Breaker;

/// The time between two publications.
const PERIOD: Duration = Duration::from_secs(1);

/// Publishes while the cache exists and is not closed.
pub(crate) fn start(core: &Arc<Core>) {
    // A weak reference, so that the task does not keep an unused cache alive.
    let core = Arc::downgrade(core);
    io::spawn(Box::pin(async move {
        loop {
            tokio::time::sleep(PERIOD).await;
            let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return };
            publish(&core);
        }
    }));
}

/// Publishes the current counts and gauges.
pub(crate) fn publish(core: &Core) {
    describe();
    let prefix = core.prefix.strip_suffix(':').unwrap_or(&core.prefix);
    let cache = Label::new("cache", SharedString::from(prefix.to_owned()));
    for row in core.stats.stats().functions {
        let labels = vec![Label::new("function", SharedString::from(row.function)), cache.clone()];
        row.counts.for_each_metric(|name, _, count| metrics::counter!(name, labels.clone()).absolute(count));
    }
    // The numbers are at most a few thousand, which a float holds exactly.
    let gauges = [
        ("larder_connected", f64::from(u8::from(core.store.breaker() == Breaker::Closed))),
        ("larder_pending_invalidations", core.pending.len() as f64),
        ("larder_background", core.background.len() as f64),
    ];
    for (name, value) in gauges {
        metrics::gauge!(name, vec![cache.clone()]).set(value);
    }
}

/// Describes the metrics. Called for each publication, because a recorder may be installed after the cache was created.
fn describe() {
    Counts::default().for_each_metric(|name, text, _| metrics::describe_counter!(name, text.trim_ascii()));
    metrics::describe_gauge!("larder_connected", "1 when calls go to the store, else 0.");
    metrics::describe_gauge!(
        "larder_pending_invalidations",
        "Invalidations that the store has not carried out yet."
    );
    metrics::describe_gauge!("larder_background", "Refreshes and other tasks running in the background.");
}
