//! The Redis store: entries live in Redis, and no failure of Redis blocks a caller.

mod cause;
mod commands;
mod config;
mod connect;
#[expect(
    dead_code,
    unused_imports,
    reason = "only a deployment of several servers asks which node owns a slot"
)]
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
