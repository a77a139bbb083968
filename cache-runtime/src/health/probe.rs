//! The probe: asks the store and the application, at most twice a second, however many requests arrive.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::check::{AppCheck, no_answer};
use super::report::{HealthReport, Need};
use crate::handle::{Cache, Health};
use crate::rt::join::{join, join_all};
use crate::types::error::Error;

/// The time limit of all checks: those who ask often wait for one second, and some for 250 ms.
const LIMIT: Duration = Duration::from_millis(200);
/// The time for which requests share the results of a probe.
const SHARED: Duration = Duration::from_millis(500);

/// The checks of all requests.
pub(super) struct SharedProbe {
    pub(super) cache: Cache,
    pub(super) need: Need,
    pub(super) checks: Vec<AppCheck>,
    pub(super) details: bool,
    /// The last results. Locked by the request that probes, so that others wait for its results.
    pub(super) last: Mutex<Option<(Instant, Arc<HealthReport>)>>,
}

impl SharedProbe {
    /// Returns a report that is at most [`SHARED`] old.
    pub(super) async fn report(&self) -> Arc<HealthReport> {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < SHARED
        {
            return Arc::clone(report);
        }
        let report = Arc::new(self.probe().await);
        *last = Some((Instant::now(), Arc::clone(&report)));
        report
    }

    async fn probe(&self) -> HealthReport {
        let began = Instant::now();
        let deadline = began + LIMIT;
        let checks = join_all(self.checks.iter().map(|check| check.run(began, deadline)));
        let (health, states) = join(self.health(deadline), checks).await;
        let checks = self.checks.iter().zip(&states);
        let checks = checks.map(|(check, state)| (check.name.as_str(), check.need, state));
        HealthReport::new((&health, self.need), checks, self.details)
    }

    async fn health(&self, deadline: Instant) -> Health {
        let ping = timeout_at(deadline, self.cache.ping()).await;
        self.cache.health_with(ping.unwrap_or_else(|_| Err(Error::unavailable(no_answer(LIMIT)))))
    }
}
