//! The nodes of a cluster, and the way of a request to one of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::redirect::Redirect;
use super::table::{CurrentTable, StripeTable};
use super::wanted::RefreshWanted;
use crate::observe::trace;
use crate::rt::io;
use crate::rt::join::join_all;
use crate::store::redis::cause::Cause;
use crate::store::redis::config::{Change, ClusterConfig, RedisConfig};
use crate::store::redis::connect::{Backoff, Node, Request};
use crate::store::redis::nodes::topology::{NodeId, Topology};
use crate::store::redis::url::Address;
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::node_health::{NodeHealth, NodeRole};

/// The most redirects that are followed without a pause.
const HOPS: u32 = 5;
/// The pauses before a command is sent again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(80));
/// The time for which no call waits for a cluster that is down, after one has waited in vain.
const DOWN: Duration = Duration::from_secs(1);

/// The nodes of a cluster.
pub(crate) struct ClusterNodes {
    /// The settings of each node but its address.
    pub(super) config: Arc<RedisConfig>,
    pub(super) cluster: Arc<ClusterConfig>,
    pub(super) table: CurrentTable,
    pub(super) wanted: Arc<RefreshWanted>,
    /// The task that refreshes the map of the slots.
    pub(super) refresher: OnceLock<AbortHandle>,
    /// The number of redirects that were followed.
    redirects: Arc<AtomicU64>,
    created: Instant,
    /// The moment until which no call waits for a cluster that is down, in milliseconds after `created`.
    down_until: AtomicU64,
}

impl ClusterNodes {
    /// Returns a cluster of which nothing is known.
    pub(super) fn new(config: RedisConfig, cluster: Arc<ClusterConfig>) -> Self {
        Self {
            config: Arc::new(config),
            cluster,
            table: CurrentTable::new(),
            wanted: Arc::default(),
            refresher: OnceLock::new(),
            redirects: Arc::default(),
            created: Instant::now(),
            down_until: AtomicU64::new(0),
        }
    }

    /// Sends a request to the owner of a slot, and follows redirects within the time limit of the request.
    pub(crate) async fn send(&self, slot: u16, mut request: Request) -> Result<Value, Error> {
        let table = self.table.get();
        let Some((id, node)) = table.owner(slot) else { return Err(nobody()) };
        match node.exchange(&mut request).await {
            // Boxed, so that the future of most calls does not reserve space for this.
            Err(error) => Box::pin(self.send_again(slot, &mut request, id.clone(), error)).await,
            reply => reply,
        }
    }

    /// Sends a request to a node.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the node has left or does not serve the slot, and the errors of the request.
    pub(crate) async fn send_to(&self, id: &NodeId, mut request: Request) -> Result<Value, Error> {
        let Some(node) = self.node(id) else {
            return Err(Error::unavailable(format!("the node {id} has left the cluster")));
        };
        let error = match node.exchange(&mut request).await {
            Err(error) => error,
            reply => return reply,
        };
        match Redirect::of(&error, id.address(), &self.cluster.addresses) {
            None => Err(error),
            Some(_) => {
                self.wanted.want_from(id);
                Err(Error::unavailable(format!("the node {id} does not serve these keys any more")))
            }
        }
    }

    /// Asks for the map of the slots soon.
    pub(crate) fn refresh(&self) {
        self.wanted.want();
    }

    /// Returns the number of redirects so far.
    pub(crate) fn redirects(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.redirects)
    }

    /// Returns the nodes and the owners of the slots, as known now.
    pub(crate) fn topology(&self) -> Arc<Topology> {
        Arc::clone(self.table.get().topology())
    }

    /// Returns the topology and its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Topology>> {
        self.table.changes().subscribe()
    }

    /// Returns a node; `None` if there is no such node any more.
    pub(crate) fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.table.get().node(id).cloned()
    }

    /// Returns `true` once a node has told which nodes serve which keys.
    #[cfg(feature = "axum")]
    pub(crate) fn is_known(&self) -> bool {
        !self.table.get().primaries().is_empty()
    }

    /// Returns the owner of a slot; `None` if nobody owns it.
    pub(crate) fn owner(&self, slot: u16) -> Option<Arc<Node>> {
        self.table.get().owner(slot).map(|(_, node)| Arc::clone(node))
    }

    /// Pings all nodes, which records their state, and returns the longest round trip time of those that own slots.
    ///
    /// # Errors
    /// One of them did not answer, or no node is known.
    pub(crate) async fn ping(&self) -> Result<Duration, Error> {
        let table = self.table.get();
        let replicas = table.topology().replicas().iter().filter_map(|id| table.node(id));
        let nodes = table.primaries().iter().chain(replicas);
        let mut replies = join_all(nodes.map(|node: &Arc<Node>| node.ping())).await;
        replies.truncate(table.primaries().len());
        let latencies = replies.into_iter().collect::<Result<Vec<_>, _>>()?;
        latencies.into_iter().max().ok_or_else(nobody)
    }

    /// Returns the state of all nodes, without any I/O.
    pub(crate) fn health(&self) -> Vec<NodeHealth> {
        let table = self.table.get();
        let topology = table.topology();
        let health = |id: &NodeId, role| table.node(id).map(|node| node.health(Some(role)));
        let primaries = topology.primaries().iter().filter_map(|id| health(id, NodeRole::Primary));
        primaries.chain(topology.replicas().iter().filter_map(|id| health(id, NodeRole::Replica))).collect()
    }

    /// Returns the worst state of a breaker of a node that owns slots.
    pub(crate) fn breaker(&self) -> Breaker {
        let table = self.table.get();
        let states: Vec<Breaker> = table.primaries().iter().map(|node| node.breaker()).collect();
        if states.is_empty() || states.contains(&Breaker::Open) {
            Breaker::Open
        } else if states.contains(&Breaker::Connecting) {
            Breaker::Connecting
        } else {
            Breaker::Closed
        }
    }

    /// Returns the settings of each node but its address.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// Replaces the topology by one that a node told.
    pub(super) fn learn(&self, topology: Topology) {
        self.table.change(|_| topology, |id| self.open(id));
    }

    /// Returns the table of the nodes.
    pub(super) fn table(&self) -> StripeTable {
        self.table.get()
    }

    /// Sends a request again after an error that says where or when, for as long as the request may take.
    async fn send_again(
        &self,
        slot: u16,
        request: &mut Request,
        mut asked: NodeId,
        mut error: Error,
    ) -> Result<Value, Error> {
        let (mut backoff, mut hops) = (Backoff::between(PAUSES.0, PAUSES.1), 0);
        loop {
            let was_sent = request.take_sent();
            let redirect = Redirect::of(&error, asked.address(), &self.cluster.addresses);
            let is_asking = matches!(redirect, Some(Redirect::Ask(_)));
            if matches!(redirect, Some(Redirect::Moved(..) | Redirect::Ask(_))) {
                self.redirects.fetch_add(1, SeqCst);
            }
            let target = match redirect {
                Some(Redirect::Moved(slot, address)) => Some(self.moved(slot, &asked, address)),
                Some(Redirect::Ask(address)) => Some(NodeId::new(address)),
                Some(Redirect::TryAgain) if request.fails_halved() => return Err(error),
                Some(Redirect::TryAgain) => None,
                Some(Redirect::Down) => {
                    self.wanted.want_without(&asked);
                    if self.is_down() {
                        return Err(down());
                    }
                    None
                }
                // A read whose connection was lost is sent once more, over the next one.
                None if was_sent && request.is_read() && hops == 0 && is_lost(&error) => None,
                None => return Err(error),
            };
            hops += 1;
            if target.is_none() || hops % HOPS == 0 {
                let pause = backoff.next();
                if pause >= request.left() {
                    return Err(self.gave_up(error, &asked));
                }
                io::sleep(pause).await;
            }
            let Some((id, node)) =
                target.map_or_else(|| self.find_owner(slot), |id| Some((id.clone(), self.get_or_open(&id))))
            else {
                return Err(nobody());
            };
            if request.left().is_zero() {
                return Err(self.gave_up(error, &id));
            }
            request.set_asking(is_asking);
            error = match node.exchange(request).await {
                Err(error) => error,
                reply => return reply,
            };
            asked = id;
        }
    }

    /// Records the new owner of a slot, and returns it.
    pub(super) fn moved(&self, slot: u16, asked: &NodeId, owner: Address) -> NodeId {
        let owner = NodeId::new(owner);
        let change = |before: &Topology| {
            let mut topology = before.clone();
            topology.own(&owner, slot..=slot);
            topology
        };
        self.table.change(change, |id| self.open(id));
        self.wanted.want_from(asked);
        owner
    }

    /// Returns a node, which is opened if it is not known yet.
    pub(super) fn get_or_open(&self, id: &NodeId) -> Arc<Node> {
        self.table.get_or_open(id, |id| self.open(id))
    }

    fn find_owner(&self, slot: u16) -> Option<(NodeId, Arc<Node>)> {
        self.table.get().owner(slot).map(|(id, node)| (id.clone(), Arc::clone(node)))
    }

    /// Returns the error of a request whose time is over, in place of a redirect.
    fn gave_up(&self, error: Error, asked: &NodeId) -> Error {
        match Redirect::of(&error, asked.address(), &self.cluster.addresses) {
            None => error,
            Some(Redirect::Down) => {
                let until = (self.created.elapsed() + DOWN).as_millis();
                self.down_until.store(u64::try_from(until).unwrap_or(u64::MAX), Relaxed);
                down()
            }
            Some(_) => Error::unavailable("the slot of the key is being moved to another node"),
        }
    }

    /// Returns `true` if a call has just waited in vain for the cluster to serve.
    fn is_down(&self) -> bool {
        self.created.elapsed() < Duration::from_millis(self.down_until.load(Relaxed))
    }

    /// Returns a node without connections.
    fn open(&self, id: &NodeId) -> Node {
        let (wanted, topology, id) = (Arc::clone(&self.wanted), self.table.changes().subscribe(), id.clone());
        let was_connected = OnceLock::new();
        let address = id.address().clone();
        let stats = Arc::clone(&self.config.stats);
        let on_change = move |change: Change| {
            stats.record_server(|| change.event(&id.to_string()));
            match change {
                Change::Connected => {
                    // Every time but the first, it is set already.
                    let _ = was_connected.set(());
                    trace::connected(&id.to_string());
                }
                Change::Lost { cause, message } => {
                    // No call goes to a replica.
                    if topology.borrow().primaries().contains(&id) {
                        wanted.want();
                        warn_lost(&id, cause, &message, was_connected.get().is_none());
                    }
                }
            }
        };
        let on_change = Arc::new(on_change);
        Node::new(RedisConfig { address, on_change, cluster: None, ..RedisConfig::clone(&self.config) })
    }
}

impl Drop for ClusterNodes {
    fn drop(&mut self) {
        self.refresher.get().inspect(|refresher| refresher.abort());
    }
}

fn warn_lost(node: &NodeId, cause: Cause, message: &str, is_new: bool) {
    let (state, end) = cause.told();
    let remedy = match cause {
        Cause::Unreachable | Cause::Silent if is_new => {
            "; if the cluster announces an address that only its own network reaches, map it with `node_address_map`"
        }
        _ => "",
    };
    trace::warn(&format!(
        "redis at {node} {state} ({message}); keys in its slots are uncached until {end} or another node takes over{remedy}"
    ));
}

/// Returns whether an error is that of a connection that was lost.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. })
}

fn nobody() -> Error {
    Error::unavailable("no known node of the cluster serves the slot of the key")
}

fn down() -> Error {
    Error::unavailable("the cluster is down, or no node serves the slot of the key")
}
