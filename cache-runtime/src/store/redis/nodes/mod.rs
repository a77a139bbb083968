//! The servers of a deployment, and the server that each request goes to.
//!
//! [`Nodes`] is one server or a cluster. A cluster spreads the keys over 16,384 slots ([`Slot`]); its [`Topology`] says which
//! node owns each of them.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "axum")]
mod connection;
mod deployment;
mod one;
mod slot;
mod topology;

#[cfg(feature = "axum")]
pub(crate) use self::connection::DeploymentConnection;
pub(crate) use self::{
    deployment::Nodes,
    slot::{SLOTS, Slot},
    topology::{NodeId, Topology},
};
