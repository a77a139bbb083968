//! The Redis store: entries live in Redis, and no failure of Redis blocks a caller.

mod cause;
mod commands;
mod config;
mod connect;
mod credentials;
mod location;
mod nodes;
mod probed;
mod push;
#[cfg(feature = "sentinel")]
mod sentinel;
mod store;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod url;

#[cfg(feature = "event_log")]
pub(crate) use self::commands::Dedicated;
#[cfg(feature = "event_log")]
pub(crate) use self::connect::Backoff;
#[cfg(feature = "companions")]
pub(crate) use self::connect::Script;
pub use self::credentials::Credentials;
#[cfg(feature = "axum")]
pub(crate) use self::nodes::DeploymentConnection;
#[cfg(feature = "event_log")]
pub(crate) use self::nodes::Slot;
#[cfg(feature = "tls")]
pub use self::tls::Tls;
pub(crate) use self::{
    credentials::CredentialsProvider,
    push::{PrefixTracking, WatchedKey},
    store::RedisStore,
};
