//! The settings of a cluster.

use super::builder::Builder;

impl Builder {
    /// Sets the addresses at which the nodes of a cluster can be reached, where these are not the addresses that the cluster
    /// announces: pairs of an announced address and the address to connect to. Default: none. No effect on other deployments.
    ///
    /// A cluster tells its clients the addresses of its nodes as the nodes know them. From outside of the network of the
    /// cluster, through NAT, a container's port or a tunnel, these cannot be reached. An address is `host:port`, or `host` on
    /// both sides where the ports stay; an IPv6 address is in brackets. An address that cannot be used is an error of
    /// [`Builder::init`] and [`Builder::build`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder()
    ///     .url("redis+cluster://localhost:7000,localhost:7001")
    ///     .node_address_map([("10.0.0.5:6379", "localhost:7000"), ("10.0.0.6:6379", "localhost:7001")]);
    /// ```
    pub fn node_address_map<A: Into<String>, B: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = (A, B)>,
    ) -> Self {
        self.store.node_addresses =
            addresses.into_iter().map(|(from, to)| (from.into(), to.into())).collect();
        self
    }
}
