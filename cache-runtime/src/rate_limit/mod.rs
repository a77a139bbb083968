//! Rate limits: `rate` and `rules` are the windows, `ledger` decides (pure), `script` does the same in Redis, `count` asks either of them.
//! `requests/` has the layer: who the client is, header fields, refusals.

mod blocking;
mod clients;
mod count;
mod function;
mod ledger;
mod limit;
mod limited;
mod rate;
#[cfg(feature = "http")]
mod requests;
mod rules;
#[cfg(feature = "redis")]
mod script;
mod settings;
mod verdict;

#[doc(hidden)]
pub use self::function::{FromLimited, FunctionLimit, LimitedCall};
#[cfg(feature = "http")]
pub use self::requests::{By, Identify, RateLimitLayer, RateLimitService, Unidentified};
pub use self::{
    blocking::BlockingRateLimit,
    limit::RateLimit,
    limited::Limited,
    rate::{IntoRate, Rate},
    settings::OnOutage,
    verdict::{DecidedBy, Verdict, WindowState},
};
