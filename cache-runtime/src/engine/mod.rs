//! The engine: what happens between a call and its value.

mod claim;
mod context;
mod decide;
mod evict;
mod flight;
mod job;
mod lease;
mod look;
mod miss;
mod outage;
mod overdue;
mod put;
mod refresh;
mod run;
#[cfg(feature = "memory")]
mod shortcut;
mod stale;
mod trip;
mod work;

#[cfg(feature = "axum")]
pub(crate) use self::run::{begin, note};
#[cfg(feature = "memory")]
pub(crate) use self::shortcut::typed as shortcut;
pub(crate) use self::{
    context::Mode,
    decide::{Expiries, YEAR, capped},
    flight::Flights,
    job::Bound,
    lease::Keeper,
    look::{Got, Look, overdue},
    outage::Outage,
    overdue::{Due, Overdue},
    run::{Rules, drive},
};
pub use self::{
    context::{bypass, bypass_blocking, refresh, refresh_blocking},
    decide::Windows,
    evict::{Entries, Evict, evict, evict_sync},
    put::{Put, put, put_sync},
    run::{Special, run, run_apart, run_apart_sync, run_sync},
    work::{Background, Kind, Owned, Owns, Place, SyncWork, Takes, Work, kind, lent, moved, owned},
};
#[cfg(feature = "http")]
pub(crate) use self::{
    decide::Stale,
    flight::{Leader, Sight, Ticket},
    job::Job,
    lease::Lease,
    look::Seen,
    miss::{Turn, finish},
    refresh::refresh as renew,
    run::Answers,
    run::follow,
};
