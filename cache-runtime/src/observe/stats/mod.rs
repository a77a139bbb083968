//! Statistics: events counted per function.

mod counts;
mod registry;
mod report;
mod table;
mod value_sizes;

pub use self::{
    counts::Counts,
    report::{FunctionStats, Stats},
};
pub(crate) use self::{
    counts::{Counters, count},
    registry::{Registry, Tally},
};
