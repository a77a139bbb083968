//! Waiting for conditions: the only place in the tests that sleeps.

use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, without a runtime.
///
/// # Panics
/// When `condition` does not hold within `limit`.
#[track_caller]
pub fn eventually(limit: Duration, condition: impl FnMut() -> bool) {
    eventually_or(limit, condition, String::new);
}

/// Waits as [`eventually`] does, and says more when it fails.
///
/// # Panics
/// When `condition` does not hold within `limit`, with what `state` returns.
#[track_caller]
pub fn eventually_or(limit: Duration, mut condition: impl FnMut() -> bool, state: impl FnOnce() -> String) {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() >= limit {
            panic!("it did not happen within {limit:?}\n{}", state());
        }
        std::thread::sleep(STEP);
    }
}

/// Waits until the future of `condition` returns true, inside a tokio runtime with timers.
///
/// # Panics
/// When `condition` does not hold within `limit`.
pub async fn eventually_async<F: Future<Output = bool>>(limit: Duration, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "it did not happen within {limit:?}");
        tokio::time::sleep(STEP).await;
    }
}
