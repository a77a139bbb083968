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
use super::report::{HealthReport, HealthStatus, Need, REDIS, WARM_UP};
use super::warmth::Warmth;
use crate::handle::{Cache, WarmUpTask};

/// The body of a process that runs.
const ALIVE: &str = r#"{"status":"up"}"#;

/// Health routes, to be merged into an axum router; [`routes`] creates them.
#[must_use = "the routes are to be merged into a router"]
pub struct HealthRoutes {
    cache: Cache,
    need: Need,
    checks: Vec<AppCheck>,
    details: bool,
    warmth: Warmth,
}

/// Returns health routes: `/health/live`, `/health/ready` and `/health/startup`, for `GET` and `HEAD`.
///
/// | route | answer |
/// |---|---|
/// | `/health/live` | `200` while the process answers at all; asks nothing else |
/// | `/health/startup` | `200` once the router serves and warm-ups are over, else `503` |
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
    HealthRoutes {
        cache: cache.clone(),
        need: Need::Degraded,
        checks: Vec::new(),
        details: false,
        warmth: Warmth::default(),
    }
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
    /// If there is a check of this name: `redis` is that of the store, and `warm_up` that of warm-ups.
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
        let is_new =
            ![REDIS, WARM_UP].contains(&name.as_str()) && self.checks.iter().all(|other| other.name != *name);
        assert!(is_new, "there is a health check `{name}` already; give this one another name");
        self.checks.push(check);
        self
    }

    /// Makes the process ready once a warm-up is over, successful or not: its deadline bounds that. Until then `/health/startup` and
    /// `/health/ready` answer `503`. May be used for several.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// # async fn product(id: u64) -> String { id.to_string() }
    /// let warm = cache.warm_up().deadline("15s").each(1..=100, product).run();
    /// let routes = larder::health::routes(&cache).warm_up(&warm);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn warm_up(mut self, task: &WarmUpTask) -> Self {
        self.warmth.add(task);
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
    fn from(HealthRoutes { cache, need, checks, details, warmth }: HealthRoutes) -> Self {
        let probe = Arc::new(SharedProbe { cache, need, checks, details, last: Mutex::new(None) });
        let warmth = Arc::new(warmth);
        let startup = {
            let warmth = Arc::clone(&warmth);
            move || std::future::ready(warmth.report().map_or_else(alive, |report| of_report(&report)))
        };
        let ready = move || {
            let (probe, warmth) = (Arc::clone(&probe), Arc::clone(&warmth));
            async move {
                let report = probe.report().await;
                match warmth.report() {
                    Some(warm) => of_report(&report.with(warm)),
                    None => of_report(&report),
                }
            }
        };
        Self::new()
            .route("/health/live", get(|| std::future::ready(alive())))
            .route("/health/startup", get(startup))
            .route("/health/ready", get(ready))
    }
}

impl fmt::Debug for HealthRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthRoutes").field("redis", &self.need).finish_non_exhaustive()
    }
}

fn alive() -> Response {
    response(StatusCode::OK, ALIVE.to_owned())
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
