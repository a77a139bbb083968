//! Calls for several ids: each id goes the way of a call of its own, and those that have to be computed share a computation.
//!
//! Read [`run`] first. `plan` decides when what is computed.

mod board;
mod call;
mod computation;
mod detachable;
mod drive;
mod lookups;
mod plan;
mod run;
mod slot;
mod targets;
mod wake_all;

pub(crate) use self::{
    call::ManyCall, computation::Inline, detachable::DetachableMany, lookups::lookups, run::run,
    targets::Targets,
};
