//! The Redis store: entries live in Redis, and no failure of Redis blocks a caller.

mod cause;
mod commands;
mod config;
mod connect;
mod nodes;
mod push;
mod store;
#[cfg(test)]
mod tests;
mod url;

#[cfg(feature = "axum")]
pub(crate) use self::connect::SharedConnection;
pub(crate) use self::{
    push::{PrefixTracking, WatchedKey},
    store::RedisStore,
};
