//! The URL of a deployment of Redis. Errors never contain a part that may be a password.

mod address;
#[cfg(feature = "cluster")]
mod address_map;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(any(feature = "cluster", feature = "sentinel"))]
mod hosts;
mod login;
mod parts;
mod query;
#[cfg(feature = "sentinel")]
mod sentinel;
mod target;
#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "cluster")]
pub(crate) use self::address_map::AddressMap;
#[cfg(feature = "sentinel")]
pub(crate) use self::sentinel::SentinelServers;
pub(crate) use self::{
    address::Address,
    login::Login,
    target::{Servers, Target},
};
