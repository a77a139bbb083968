//! Notifications: connections on which Redis pushes the keys that change.
//!
//! With `CLIENT TRACKING` a server reports changes of keys, whoever changes them. There are two kinds: [`PrefixTracking`]
//! reports every key under a prefix, for copies; [`NodeWatchers`] report single keys, for calls that wait for one. Each
//! needs RESP3, has a [`PushConnection`](push_connection::PushConnection) of its own to each node on larder's own runtime, and a
//! supervisor for each of them.

mod coverage;
mod listener;
mod node_watchers;
mod prefix_tracking;
#[cfg(all(test, feature = "cluster"))]
mod promotion_tests;
mod push_connection;
mod supervise;
#[cfg(test)]
mod tests;
mod watch;
mod watched_keys;

pub(crate) use self::{node_watchers::NodeWatchers, prefix_tracking::PrefixTracking, watch::WatchedKey};
