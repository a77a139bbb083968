//! The URL of a deployment of Redis. Errors never contain a part that may be a password.

mod address;
mod login;
mod parts;
mod target;

pub(crate) use self::{
    address::Address,
    login::Login,
    target::{Servers, Target},
};
