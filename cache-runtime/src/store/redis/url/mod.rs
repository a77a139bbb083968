//! The URL of a deployment of Redis. Errors never contain a part that may be a password.

mod address;
#[cfg(feature = "cluster")]
mod address_map;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod hosts;
mod login;
mod parts;
mod target;

#[cfg(feature = "cluster")]
pub(crate) use self::address_map::AddressMap;
pub(crate) use self::{
    address::Address,
    login::Login,
    target::{Servers, Target},
};
