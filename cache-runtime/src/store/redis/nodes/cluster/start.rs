//! The start of a cluster.

use std::sync::Arc;

use super::ask::{AskError, Asker};
use super::nodes::ClusterNodes;
use super::refresh::{Refresher, warn_unknown};
use crate::rt::io;
use crate::rt::join::join_all;
use crate::store::redis::config::{ClusterConfig, RedisConfig};
use crate::store::redis::connect::Node;
use crate::store::redis::nodes::topology::NodeId;
use crate::types::breaker::Breaker;
use crate::types::error::Error;

impl ClusterNodes {
    /// Asks for the map of the slots, and starts the connections of the calling runtime to all nodes that own slots.
    ///
    /// # Errors
    /// [`Error::Auth`] if the credentials are rejected, [`Error::Config`] if a server answers and is not part of a cluster, or if
    /// none of the addresses that the cluster announces can be reached, and [`Error::Unavailable`] if no node answers and the
    /// configuration requires one.
    pub(crate) async fn connect(
        config: RedisConfig,
        cluster: Arc<ClusterConfig>,
    ) -> Result<Arc<Self>, Error> {
        let require = config.require;
        let nodes = Arc::new(Self::new(RedisConfig { require: false, ..config }, cluster));
        let (config, seeds) = (Arc::clone(&nodes.config), Arc::clone(&nodes.cluster));
        let own = io::handle()?;
        let asking = own.spawn(async move {
            let mut asker = Asker::default();
            let answer = asker.ask_first(&config, &seeds).await;
            (asker, answer)
        });
        let (asker, answer) =
            asking.await.map_err(|_| Error::unavailable("larder's own runtime has ended"))?;
        let is_known = answer.is_ok();
        match answer {
            Ok((node, topology)) => {
                nodes.learn(topology);
                nodes.connect_primaries(&node).await?;
            }
            Err(error) => nodes.go_on_without(&error, require)?,
        }
        let refresher = Refresher::new(&nodes, asker, is_known);
        let task = own.spawn(refresher.run()).abort_handle();
        // Set once: this is the only place.
        let _ = nodes.refresher.set(task);
        Ok(nodes)
    }

    /// Connects to all nodes that own slots. Fails if none of them can be reached, although a node answered at an address that
    /// the cluster does not announce.
    async fn connect_primaries(&self, answered: &NodeId) -> Result<(), Error> {
        let table = self.table();
        let attempts = join_all(table.primaries().iter().map(|node: &Arc<Node>| node.connect())).await;
        attempts.into_iter().collect::<Result<(), Error>>()?;
        let is_reachable = table.primaries().iter().any(|node| node.breaker() == Breaker::Closed);
        if is_reachable || table.node(answered).is_some() {
            return Ok(());
        }
        let announced =
            table.topology().primaries().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let reason = format!(
            "{answered} answers, and none of the addresses that the cluster announces can be reached from here; map each of \
             them to an address that can: `node_address_map([(\"announced\", \"reachable\"), ..])`"
        );
        Err(Error::config("node_address_map", announced, reason))
    }

    /// Warns that the cluster is not known, unless that is an error.
    fn go_on_without(&self, error: &AskError, require: bool) -> Result<(), Error> {
        if let Some(fatal) = error.fatal() {
            return Err(fatal);
        }
        if require {
            return Err(Error::unavailable(error.message()));
        }
        warn_unknown(&self.cluster, error);
        Ok(())
    }
}
