//! Statistics: events counted per function.

mod counts;
mod registry;
mod report;
mod table;
mod value_sizes;

pub(crate) use self::{
    counts::Counters,
    registry::{Registry, Tally},
};
pub use self::{
    counts::Counts,
    report::{FunctionStats, Stats},
};
