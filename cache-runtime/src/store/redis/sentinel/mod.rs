//! Redis Sentinel: processes that watch a primary and name another one when it fails.
//!
//! larder is connected to every sentinel and asks each of them once a second, and at once when one of them announces a switch
//! ([`client`]). Of their answers the one with the highest configuration epoch decides ([`answers`]). The result is the
//! [`NamedPrimary`] of the configuration: connections are made to the server that it names, and end when it names another
//! one.

mod acquaintance;
mod answers;
mod client;
mod question;
mod watch;

pub(super) mod primary;

pub(super) use self::watch::start;
