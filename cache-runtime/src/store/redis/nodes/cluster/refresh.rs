//! The task that refreshes the map of the slots.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::timeout;

use super::ask::{AskError, Asker};
use super::nodes::ClusterNodes;
use super::wanted::{Preference, RefreshWanted};
use crate::observe::trace;
use crate::store::redis::config::ClusterConfig;
use crate::store::redis::connect::Backoff;
use crate::store::redis::nodes::topology::NodeId;
use crate::types::breaker::Breaker;

/// The time between two questions while nothing is wrong: between half of it and all of it.
const PERIOD: Duration = Duration::from_secs(40);
/// The same while a node is lost, or slots have no owner.
const UNSETTLED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));

/// The task that refreshes the map of the slots.
pub(super) struct Refresher {
    nodes: Weak<ClusterNodes>,
    wanted: Arc<RefreshWanted>,
    asker: Asker,
    /// A map was received once.
    is_known: bool,
}

impl Refresher {
    /// Returns the task of a cluster, whose first question has been asked.
    pub(super) fn new(nodes: &Arc<ClusterNodes>, asker: Asker, is_known: bool) -> Self {
        Self { nodes: Arc::downgrade(nodes), wanted: Arc::clone(&nodes.wanted), asker, is_known }
    }

    /// Asks whenever a map is wanted, and from time to time, until the cluster is dropped.
    pub(super) async fn run(mut self) {
        let (mut settled, mut unsettled) =
            (Backoff::between(PERIOD, PERIOD), Backoff::between(UNSETTLED.0, UNSETTLED.1));
        let mut is_settled = self.is_known;
        loop {
            let pause = if is_settled { settled.next() } else { unsettled.next() };
            // It ends early when a map is wanted.
            let _ = timeout(pause, self.wanted.wait()).await;
            self.asker.until_allowed().await;
            let Some(nodes) = self.nodes.upgrade() else { return };
            is_settled = self.refresh(&nodes).await;
            if is_settled {
                unsettled = Backoff::between(UNSETTLED.0, UNSETTLED.1);
            }
        }
    }

    /// Asks once; returns whether all is well.
    async fn refresh(&mut self, nodes: &ClusterNodes) -> bool {
        let order = self.order(nodes);
        match self.asker.ask(&order, &nodes.config, &nodes.cluster).await {
            Ok((_, topology)) => {
                nodes.learn(topology);
                if !std::mem::replace(&mut self.is_known, true) {
                    trace::connected(&hosts(&nodes.cluster));
                }
                is_well(nodes)
            }
            Err(_) => false,
        }
    }

    /// Returns the nodes in the order in which they are asked, each once: those that serve first.
    fn order(&self, nodes: &ClusterNodes) -> Vec<NodeId> {
        let Preference { first, last } = self.wanted.take_preference();
        let table = nodes.table();
        let topology = table.topology();
        let serves = |id: &&NodeId| table.node(id).is_some_and(|node| node.breaker() != Breaker::Open);
        let seeds = nodes.cluster.seeds.iter().cloned().map(NodeId::new);
        let wished = first.into_iter().chain(self.asker.held().cloned());
        let known = topology.nodes().filter(serves).chain(topology.nodes()).cloned();
        let mut order: Vec<NodeId> = Vec::new();
        for node in wished.chain(known).chain(seeds).filter(|node| Some(node) != last.as_ref()) {
            if !order.contains(&node) {
                order.push(node);
            }
        }
        order.extend(last);
        order
    }
}

/// Returns whether every slot has an owner that is not lost.
fn is_well(nodes: &ClusterNodes) -> bool {
    let table = nodes.table();
    !table.topology().has_gaps() && table.primaries().iter().all(|node| node.breaker() != Breaker::Open)
}

/// Warns that no node has told the map of the slots yet.
pub(super) fn warn_unknown(cluster: &ClusterConfig, error: &AskError) {
    trace::warn(&format!(
        "no node of the cluster at {} tells which nodes serve which keys ({}); functions run uncached until one does",
        hosts(cluster),
        error.message()
    ));
}

fn hosts(cluster: &ClusterConfig) -> String {
    cluster.seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
