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

#[cfg(all(feature = "axum", feature = "memory"))]
pub(crate) use self::shortcut::typed as shortcut;
pub(crate) use self::{
    context::Mode,
    decide::{Expiries, Stale, YEAR, capped},
    flight::{Flights, Leader, Sight, Ticket},
    job::{Bound, Job},
    lease::{Keeper, Lease},
    look::{Got, Look, Seen, overdue},
    miss::{Turn, finish},
    refresh::refresh as renew,
    outage::Outage,
    overdue::{Due, Overdue},
    run::{Answers, Rules, begin, drive},
};
pub use self::{
    context::{bypass, bypass_blocking, refresh, refresh_blocking},
    evict::{Entries, Evict, evict, evict_sync},
    put::{Put, put, put_sync},
    decide::Windows,
    run::{Special, run, run_apart, run_apart_sync, run_sync},
    work::{Background, Kind, Owned, Owns, Place, SyncWork, Takes, Work, kind, lent, moved, owned},
};
