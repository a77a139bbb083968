//! The routes.

use std::fmt;
use std::fmt::Display;
use std::sync::Arc;

use ::axum::Router;
use ::axum::http::StatusCode;
use ::axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::get;
use tokio::sync::Mutex;

use super::check::AppCheck;
use super::probe::SharedProbe;
use super::report::{HealthReport, HealthStatus, Need};
use crate::handle::Cache;

/// The body of a process that runs.
const ALIVE: &str = r#"{"status":"up"}"#;
/// The name of the check of the store.
const REDIS: &str = "redis";

/// Health routes, to be merged into an axum router; [`routes`] creates them.
#[must_use = "the routes are to be merged into a router"]
pub struct HealthRoutes {
    cache: Cache,
    need: Need,
    checks: Vec<AppCheck>,
    details: bool,
}

/// Returns health routes: `/health/live`, `/health/ready` and `/health/startup`, for `GET` and `HEAD`.
///
/// | route | answer |
/// |---|---|
/// | `/health/live` | `200` while the process answers at all; asks nothing else |
/// | `/health/startup` | `200` once the router serves |
/// | `/health/ready` | `200` with the status `up` or `degraded`, or `503` with `down`: what the checks say together |
///
/// A lost Redis is `degraded` unless [`HealthRoutes::redis`] says otherwise: cached functions work without it, and a check that fails
/// in all processes at once would take them all out of service.
///
/// The checks run at most twice a second, however many requests arrive, and take 200 ms at most. Responses have `Cache-Control:
/// no-store`.
///
/// ```
/// # use larder_runtime as larder;
/// # #[derive(Clone)] struct Db;
/// # impl Db { async fn ping(&self) -> Result<(), std::io::Error> { Ok(()) } }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use axum::Router;
///
/// # let (cache, db) = (larder::Cache::builder().build().await?, Db);
/// let routes = larder::health::routes(&cache).check("db", move || {
///     let db = db.clone();
///     async move { db.ping().await }
/// });
/// let app: Router = Router::new().merge(routes);
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
///
/// Under another path: `Router::new().nest("/internal", larder::health::routes(&cache).into())`.
pub fn routes(cache: &Cache) -> HealthRoutes {
    HealthRoutes { cache: cache.clone(), need: Need::Degraded, checks: Vec::new(), details: false }
}

impl HealthRoutes {
    /// Sets what a store means that does not answer. Default: [`Need::Degraded`].
    ///
    /// [`Need::Required`] is right where requests cannot be served without Redis, as with sessions that are stored there.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::health::{Need, routes};
    ///
    /// # let cache = larder::Cache::builder().build().await?;
    /// let routes = routes(&cache).redis(Need::Required);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn redis(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// Adds a check without which the process cannot serve requests: while it fails, `/health/ready` answers `503`.
    ///
    /// The closure runs for each probe. One that returns an `Err`, panics, or takes longer than 200 ms has failed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let routes = larder::health::routes(&cache)
    ///     .check("disk", || async { std::fs::metadata("/").map(drop) });
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If there is a check of this name: `redis` is that of the store.
    #[track_caller]
    pub fn check<T, E, F>(
        self,
        name: impl Into<String>,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: Display,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.check_for(Need::Required, name, check)
    }

    /// Adds a check as [`HealthRoutes::check`] does, with what its failure means.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::health::{Need, routes};
    ///
    /// # async fn search() -> Result<(), std::io::Error> { Ok(()) }
    /// # let cache = larder::Cache::builder().build().await?;
    /// let routes = routes(&cache).check_for(Need::Degraded, "search", || search());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// As [`HealthRoutes::check`].
    #[track_caller]
    pub fn check_for<T, E, F>(
        mut self,
        need: Need,
        name: impl Into<String>,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: Display,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let check = AppCheck::new(name, need, check);
        let name = &check.name;
        let is_new = name != REDIS && self.checks.iter().all(|other| other.name != *name);
        assert!(is_new, "there is a health check `{name}` already; give this one another name");
        self.checks.push(check);
        self
    }

    /// Sets whether responses have the texts of errors and the addresses of servers. Default: `false`, because these routes are
    /// often public.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let routes = larder::health::routes(&cache).details(true);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn details(mut self, details: bool) -> Self {
        self.details = details;
        self
    }
}

impl<S: Clone + Send + Sync + 'static> From<HealthRoutes> for Router<S> {
    fn from(HealthRoutes { cache, need, checks, details }: HealthRoutes) -> Self {
        let probe = Arc::new(SharedProbe { cache, need, checks, details, last: Mutex::new(None) });
        let ready = move || {
            let probe = Arc::clone(&probe);
            async move { of_report(&*probe.report().await) }
        };
        let alive = || std::future::ready(response(StatusCode::OK, ALIVE.to_owned()));
        Self::new()
            .route("/health/live", get(alive))
            .route("/health/startup", get(alive))
            .route("/health/ready", get(ready))
    }
}

impl fmt::Debug for HealthRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthRoutes").field("redis", &self.need).finish_non_exhaustive()
    }
}

fn of_report(report: &HealthReport) -> Response {
    let status = match report.status {
        HealthStatus::Up | HealthStatus::Degraded => StatusCode::OK,
        HealthStatus::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    match serde_json::to_string(report) {
        Ok(body) => response(status, body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn response(status: StatusCode, body: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "application/json")], body).into_response()
}
