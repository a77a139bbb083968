//! The statistics of a cache.

use std::fmt;

use serde::Serialize;

use super::counts::Counts;
use super::table;
use crate::types::function_filter::ends_with;
use crate::types::function_name::FunctionName;

/// Counts since the cache was created, in total and for each function.
///
/// `Display` prints a table with a row for each function and a column for each count that is not zero everywhere;
/// `Serialize` gives all counts.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let cache = larder::Cache::builder().build().await?;
/// cache.set("k", &1, "5m").await?;
/// for key in ["k", "k", "k", "other"] {
///     cache.get::<i32>(key).await;
/// }
/// assert_eq!(
///     cache.stats().to_string(),
///     "\
/// function  hits  misses  stores  hit rate
/// handle       3       1       1     75.0%
/// total        3       1       1     75.0%
/// "
/// );
/// # Ok::<(), larder::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The sum of all functions.
    pub total: Counts,
    /// One row per function, sorted by name. Calls of the handle itself are the row `handle`.
    pub functions: Vec<FunctionStats>,
}

/// Counts of one function.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FunctionStats {
    /// The name of the function, `Users::profile` or what `name = ".."` says; its whole path where another function of the
    /// process has the same name.
    pub function: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Stats {
    /// Adds up these functions.
    pub(super) fn new(mut functions: Vec<FunctionStats>) -> Self {
        functions.sort_by(|a, b| a.function.cmp(&b.function));
        let mut total = Counts::default();
        for row in &functions {
            total.add(&row.counts);
        }
        Self { total, functions }
    }

    /// Returns the counts of one function: by its name, by its path, or by the end of either after a `::`, as
    /// [`Cache::clear_function`](crate::Cache::clear_function) takes it. Where several functions match, that with exactly this name, else the
    /// first by name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Counts> {
        let find = |test: &dyn Fn(&str) -> bool| self.functions.iter().find(|row| test(&row.function));
        let of_path = || {
            let known = FunctionName::of_path(name);
            find(&|row| known.iter().any(|known| known.shown() == row))
        };
        let row = find(&|row| row == name).or_else(of_path).or_else(|| find(&|row| ends_with(row, name)));
        row.map(|row| &row.counts)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.functions.iter().map(|row| (row.function.as_str(), &row.counts));
        table::write(f, rows.chain([("total", &self.total)]), &self.total)
    }
}
