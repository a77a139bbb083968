//! Shared by the benchmarks: the cached value, calls timed from several tasks or threads at once, the comparison of contestants and
//! the report that it makes.

mod benchmark;
mod calls;
mod redis_server;
mod results;

use serde::{Deserialize, Serialize};

pub use benchmark::{Benchmark, Contestant, is_quick, median};
pub use calls::{in_tasks, on_threads, on_threads_sync, runtime};
pub use redis_server::{bare_connection, server_url};
pub use results::{Comparison, Group, Measure, Report, Row, is_larder};

/// About 100 bytes as JSON, five allocations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, hitbox_fn::CacheableResponse)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub roles: Vec<String>,
    pub score: f64,
}

impl User {
    pub fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("user number {id}"),
            email: format!("user{id}@example.org"),
            roles: vec!["reader".to_owned(), "writer".to_owned()],
            score: 0.5,
        }
    }
}

/// The number of warm keys.
pub const KEYS: u64 = 64;

/// A number with its noun.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
