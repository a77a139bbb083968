//! A cluster: requests go to the node that owns their slot, and the map of the slots follows the cluster.
//!
//! [`ClusterNodes`] sends requests and follows redirects ([`redirect`]). The nodes are in a [`NodeTable`](table::NodeTable), which
//! is replaced as a whole when something changes. A task ([`refresh`]) asks a node ([`ask`]) for the map of the slots
//! ([`slot_ranges`]): when the map is [`wanted`], and from time to time.

mod ask;
#[cfg(feature = "axum")]
mod connection;
mod nodes;
mod redirect;
mod refresh;
mod slot_ranges;
mod start;
mod table;
mod wanted;

#[cfg(feature = "axum")]
pub(super) use self::connection::ClusterConnection;
pub(super) use self::nodes::ClusterNodes;
