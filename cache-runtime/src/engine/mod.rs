//! The engine: what happens between a call and its value.

mod context;
mod decide;
mod evict;
mod flight;
mod put;
mod run;
#[cfg(feature = "memory")]
mod shortcut;
mod trip;

pub(crate) use self::{
    context::Mode,
    decide::{Expiries, YEAR, capped},
    flight::Flights,
    run::{Rules, drive},
    trip::Look,
};
pub use self::{
    context::{bypass, bypass_blocking, refresh, refresh_blocking},
    evict::{Entries, Evict, evict, evict_sync},
    put::{Put, put, put_sync},
    run::{Special, run, run_sync},
};
