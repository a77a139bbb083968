//! Ledgers: the hits of one client, and the decisions about them. Pure functions: the time is an argument.
//!
//! The scripts do the same in Redis (`script`).

mod client;
mod decision;
mod log;
mod smooth;
#[cfg(test)]
mod tests;

pub(super) use self::client::Ledger;
#[cfg(feature = "redis")]
pub(super) use self::decision::WindowCount;
pub(super) use self::decision::{Decision, LedgerOp};
