//! The warm-up: fills a cache before the first request.

mod builder;
mod job;
mod report;
mod run;
mod task;

#[cfg(feature = "health")]
pub(crate) use self::task::WarmUpState;
pub use self::{builder::WarmUp, report::WarmUpReport, task::WarmUpTask};
