//! The report of a probe: the state of each check, and what they mean together.

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::handle::Health;
use crate::types::breaker::Breaker;
use crate::types::milliseconds;
use crate::types::node_health::NodeHealth;

/// The name of the check of the store.
pub(super) const REDIS: &str = "redis";
/// The name of the check of warm-ups.
pub(super) const WARM_UP: &str = "warm_up";

/// The meaning of a check that fails, for the readiness of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The process serves requests without it: `200`, with the status `degraded`.
    Degraded,
    /// The process cannot serve requests without it: `503`, with the status `down`.
    Required,
}

/// The status of a check, or of all checks together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum HealthStatus {
    Up,
    Degraded,
    Down,
}

/// The result of a check of the application.
#[derive(Debug)]
pub(super) enum CheckState {
    Up { latency: Duration },
    Down { error: String },
}

/// The body of a response.
#[derive(Debug, Serialize)]
pub(super) struct HealthReport {
    pub(super) status: HealthStatus,
    checks: NamedReports,
}

/// One check in the body of a response.
#[derive(Debug, Clone, Serialize)]
struct CheckReport {
    status: HealthStatus,
    #[serde(rename = "latency_ms", serialize_with = "milliseconds::optional")]
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Duration>,
    #[serde(flatten)]
    redis: Option<RedisReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<NodeHealth>>,
}

/// The parts of the check of the store that name no host.
#[derive(Debug, Clone, Serialize)]
struct RedisReport {
    breaker: Breaker,
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<bool>,
    pending_invalidations: usize,
}

/// Reports by name, in the order of the checks.
#[derive(Debug)]
struct NamedReports(Vec<(String, CheckReport)>);

impl HealthReport {
    /// Returns the report of a process that is to be warm first.
    pub(super) fn of_warm_up(is_over: bool) -> Self {
        let status = if is_over { HealthStatus::Up } else { HealthStatus::Down };
        let report = CheckReport { status, latency: None, redis: None, error: None, nodes: None };
        Self { status, checks: NamedReports(vec![(WARM_UP.to_owned(), report)]) }
    }

    /// Returns this report with the checks of another one.
    pub(super) fn with(&self, other: Self) -> Self {
        let checks = self.checks.0.iter().cloned().chain(other.checks.0).collect();
        Self { status: self.status.max(other.status), checks: NamedReports(checks) }
    }

    /// Returns the report of the store and of checks of the application.
    ///
    /// Without `details`, it has no text of an error and no address.
    pub(super) fn new<'c>(
        redis: (&Health, Need),
        checks: impl Iterator<Item = (&'c str, Need, &'c CheckState)>,
        details: bool,
    ) -> Self {
        let (health, need) = redis;
        let mut status = weighed(redis_status(health), need);
        let mut reports = vec![(REDIS.to_owned(), of_redis(health, details))];
        for (name, need, state) in checks {
            let report = of_check(state, details);
            status = status.max(weighed(report.status, need));
            reports.push((name.to_owned(), report));
        }
        Self { status, checks: NamedReports(reports) }
    }
}

/// Returns the status of the store.
fn redis_status(health: &Health) -> HealthStatus {
    let is_whole =
        health.breaker == Breaker::Closed && health.push != Some(false) && health.pending_invalidations == 0;
    match (health.connected, is_whole) {
        (false, _) => HealthStatus::Down,
        (true, false) => HealthStatus::Degraded,
        (true, true) => HealthStatus::Up,
    }
}

/// Returns what the status of a check means for the process.
fn weighed(status: HealthStatus, need: Need) -> HealthStatus {
    match need {
        Need::Degraded => status.min(HealthStatus::Degraded),
        Need::Required => status,
    }
}

fn of_redis(health: &Health, details: bool) -> CheckReport {
    CheckReport {
        status: redis_status(health),
        latency: health.latency,
        redis: Some(RedisReport {
            breaker: health.breaker,
            push: health.push,
            pending_invalidations: health.pending_invalidations,
        }),
        error: health.error.clone().filter(|_| details),
        nodes: details.then(|| health.nodes.clone()),
    }
}

fn of_check(state: &CheckState, details: bool) -> CheckReport {
    let (status, latency, error) = match state {
        CheckState::Up { latency } => (HealthStatus::Up, Some(*latency), None),
        CheckState::Down { error } => (HealthStatus::Down, None, Some(error.clone())),
    };
    CheckReport { status, latency, redis: None, error: error.filter(|_| details), nodes: None }
}

impl Serialize for NamedReports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, report) in &self.0 {
            map.serialize_entry(name, report)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health {
            connected: true,
            breaker: Breaker::Closed,
            latency: Some(Duration::from_micros(412)),
            error: None,
            nodes: Vec::new(),
            push: None,
            background: 0,
            computing: 0,
            pending_invalidations: 0,
        }
    }

    fn status(health: &Health, need: Need) -> HealthStatus {
        HealthReport::new((health, need), std::iter::empty(), false).status
    }

    #[test]
    fn a_store_that_is_away_is_what_it_is_needed_for() {
        let away = Health { connected: false, latency: None, ..health() };
        assert_eq!(status(&health(), Need::Required), HealthStatus::Up);
        assert_eq!(status(&away, Need::Degraded), HealthStatus::Degraded);
        assert_eq!(status(&away, Need::Required), HealthStatus::Down);
    }

    #[test]
    fn a_store_that_answers_may_be_degraded() {
        let push = Health { push: Some(false), ..health() };
        let pending = Health { pending_invalidations: 3, ..health() };
        let open = Health { breaker: Breaker::Open, ..health() };
        for health in [push, pending, open] {
            for need in [Need::Degraded, Need::Required] {
                assert_eq!(status(&health, need), HealthStatus::Degraded, "{health:?}");
            }
        }
        assert_eq!(status(&Health { push: Some(true), ..health() }, Need::Required), HealthStatus::Up);
    }

    #[test]
    fn the_worst_check_decides_and_errors_are_details() {
        let (up, down) = (
            CheckState::Up { latency: Duration::from_millis(2) },
            CheckState::Down { error: "db1.internal: refused".to_owned() },
        );
        let text = |details| {
            let checks = [("db", Need::Required, &down), ("search", Need::Degraded, &up)];
            let report = HealthReport::new((&health(), Need::Degraded), checks.into_iter(), details);
            serde_json::to_string(&report).expect("JSON")
        };
        assert_eq!(
            text(false),
            r#"{"status":"down","checks":{"redis":{"status":"up","latency_ms":0.412,"breaker":"closed","pending_invalidations":0},"db":{"status":"down"},"search":{"status":"up","latency_ms":2.0}}}"#
        );
        assert!(text(true).contains(r#""db":{"status":"down","error":"db1.internal: refused"}"#));
        assert!(text(true).contains(r#""nodes":[]"#));
    }
}
