//! Keys: arguments as text that people can read in redis-cli and that never collides.

mod address;
mod encode;
mod escape;
mod glob;
mod label;

#[cfg(feature = "redis")]
pub(crate) use self::label::group_of;
pub(crate) use self::{
    address::Key,
    encode::{ArgBytes, HEAD, KeyEncoder, hex, salt},
    escape::escape_value,
    glob::{escape_glob, glob_match},
    label::{Label, Labels},
};
