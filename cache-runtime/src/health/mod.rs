//! Health routes for an axum router: `/health/live`, `/health/ready` and `/health/startup`.
//!
//! `report` decides (pure), `probe` asks, `routes` answers.

mod check;
mod probe;
mod report;
mod routes;
mod warmth;

pub use self::report::Need;
pub use self::routes::{HealthRoutes, routes};
