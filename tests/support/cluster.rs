//! A Redis cluster of real processes, which end with the test process.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use redis::Connection;

use super::deployment::Deployment;
use super::redis::{RedisServer, free_port};
use super::slot_move::SlotMove;
use super::tls::{Authority, Validity};
use super::wait::{eventually, eventually_or};

/// The number of slots.
const SLOTS: u16 = 16_384;
/// The time after which the nodes of a cluster agree, on a busy machine as well.
const AGREED: Duration = Duration::from_secs(180);
/// A node is suspected after two seconds, and a cluster without the owner of some slots serves the others.
const ARGS: [&str; 12] = [
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    "--cluster-node-timeout",
    "2000",
    "--cluster-require-full-coverage",
    "no",
    // Otherwise a replica is not promoted during the first five seconds.
    "--repl-diskless-sync-delay",
    "0",
    // `CLUSTER SLOTS` has no replica that has not received anything.
    "--repl-ping-replica-period",
    "1",
];

/// A cluster. Dropping a `RedisCluster` kills its processes.
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    primaries: usize,
    /// The address by which the nodes know each other.
    host: &'static str,
}

impl RedisCluster {
    /// Starts three primaries and three replicas that persist nothing.
    pub fn start() -> Self {
        Self::start_with(3, 3, &[])
    }

    /// Starts so many primaries, each with a third of the slots or so, and replicas of them in turn, with more arguments.
    ///
    /// # Panics
    /// When the nodes do not agree within a minute.
    pub fn start_with(primaries: usize, replicas: usize, args: &[&str]) -> Self {
        Self::start_at("127.0.0.1", primaries, replicas, args)
    }

    /// Starts a cluster whose nodes know each other by another address of this machine.
    ///
    /// # Panics
    /// When the nodes do not agree within a minute.
    pub fn start_at(host: &'static str, primaries: usize, replicas: usize, args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self::start_in(host, primaries, replicas, |_| args.clone())
    }

    /// Starts three primaries that have a port for TLS beside the plain one, which they announce.
    pub fn start_tls(authority: &Authority) -> Self {
        let args = |dir: &Path| {
            let names = ["localhost", "127.0.0.1", "::1"];
            let tls = authority.equip(dir, free_port(), &names, Validity::NOW);
            tls.into_iter().chain(["--tls-auth-clients", "no"].map(str::to_owned)).collect()
        };
        Self::start_in("127.0.0.1", 3, 0, args)
    }

    fn start_in(
        host: &'static str,
        primaries: usize,
        replicas: usize,
        args: impl Fn(&Path) -> Vec<String> + Sync,
    ) -> Self {
        let args = |dir: &Path| ARGS.iter().map(|arg| (*arg).to_owned()).chain(args(dir)).collect();
        let nodes: Vec<_> = std::thread::scope(|scope| {
            let start = |_| scope.spawn(|| RedisServer::start_in(args));
            let starting: Vec<_> = (0..primaries + replicas).map(start).collect();
            starting.into_iter().map(|node| node.join().expect("a server")).collect()
        });
        let cluster = Self { nodes, primaries, host };
        cluster.create();
        cluster
    }

    /// The first primaries of the cluster, then the first replicas.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// `redis+cluster://127.0.0.1:port,..` with all nodes.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The slot of a key.
    pub fn slot(&self, key: &str) -> u16 {
        let slot = self.running().next().expect("a node").command(&["CLUSTER", "KEYSLOT", key]);
        slot.parse().expect("a slot")
    }

    /// A text in braces whose slot is `slot`: every key that begins with it is in that slot.
    pub fn tag(&self, slot: u16) -> String {
        let mut connection = connect(self.running().next().expect("a node"));
        let tags = (0..1_000).map(|thousand| {
            let mut pipeline = redis::pipe();
            let tags: Vec<_> =
                (0..1_000).map(|number| format!("{{{}}}", thousand * 1_000 + number)).collect();
            for tag in &tags {
                pipeline.cmd("CLUSTER").arg("KEYSLOT").arg(tag);
            }
            let slots: Vec<u16> = pipeline.query(&mut connection).expect("the slots");
            tags.into_iter().zip(slots)
        });
        tags.flatten().find(|(_, of)| *of == slot).expect("a tag for every slot").0
    }

    /// The highest epoch that a running node knows: it grows with every failover.
    pub fn epoch(&self) -> u64 {
        let of = |node: &RedisServer| {
            let info = node.command(&["CLUSTER", "INFO"]);
            info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:")?.trim().parse().ok())
        };
        self.running().filter_map(of).max().unwrap_or_default()
    }

    /// The node that owns a slot, as a running node says.
    pub fn owner(&self, slot: u16) -> &RedisServer {
        self.find_owner(slot).expect("an owner that runs")
    }

    /// The nodes that run, without those that were paused.
    pub fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    /// A replica of a primary, as the primary says.
    pub fn replica_of(&self, primary: &RedisServer) -> &RedisServer {
        self.find_replica(primary).expect("a replica that runs")
    }

    /// Makes a replica the primary in its primary's place (`CLUSTER FAILOVER`), and waits until all nodes know.
    pub fn fail_over(&self, replica: &RedisServer) {
        let mut asked = None;
        eventually(AGREED, || {
            // The attempt ends after five seconds, and the other primaries do not vote twice in four.
            if asked.is_none_or(|asked: Instant| asked.elapsed() > Duration::from_secs(6)) {
                asked = Some(Instant::now());
                // Refused once the replica is a primary.
                replica.command(&["CLUSTER", "FAILOVER"]);
            }
            self.is_promoted(replica)
        });
    }

    /// Waits until a replica has become a primary and all nodes that run know.
    pub fn until_promoted(&self, replica: &RedisServer) {
        eventually_or(
            AGREED,
            || self.is_promoted(replica),
            || {
                let nodes = self.running().map(|node| node.command(&["CLUSTER", "NODES"]) + &node.log());
                nodes.collect()
            },
        );
    }

    fn is_promoted(&self, replica: &RedisServer) -> bool {
        let me = id(replica);
        self.running().all(|node| {
            let nodes = node.command(&["CLUSTER", "NODES"]);
            nodes.lines().any(|line| line.starts_with(&me) && is_primary(line) && has_slots(line))
        })
    }

    /// Moves slots with their keys, one by one, as `redis-cli --cluster reshard` does.
    pub fn reshard(&self, from: &RedisServer, to: &RedisServer, slots: Range<u16>) {
        let mut moving = SlotMove::new(self, from, to);
        for slot in slots {
            moving.begin(slot);
            moving.finish(slot);
        }
    }

    /// A move of slots between two primaries that the test takes step by step.
    pub fn slot_move(&self, from: &RedisServer, to: &RedisServer) -> SlotMove {
        SlotMove::new(self, from, to)
    }

    /// Gives slots to a node without `MIGRATE`: the owner deletes its keys when it learns of it.
    pub fn assign(&self, to: &RedisServer, slots: Range<u16>) {
        let (target_id, mut target) = (id(to), connect(to));
        for slot in slots.clone() {
            let owner = id(self.owner(slot));
            if owner != target_id {
                set_slot(&mut target, slot, &["IMPORTING", &owner]);
                set_slot(&mut target, slot, &["NODE", &target_id]);
            }
        }
        let slots: Vec<u16> = slots.collect();
        eventually(AGREED, || {
            self.running().all(|node| {
                let ranges = owners(node);
                slots
                    .iter()
                    .all(|slot| ranges.iter().any(|(range, port)| range.contains(slot) && *port == to.port()))
            })
        });
    }

    /// Removes a node without slots for good, as `redis-cli --cluster del-node` does. The process goes on, as a node of no cluster.
    pub fn remove(&self, node: &RedisServer) {
        let leaving = id(node);
        for other in self.running().filter(|other| other.port() != node.port()) {
            // A replica that is not in step yet does not forget its primary.
            eventually(AGREED, || other.command(&["CLUSTER", "FORGET", &leaving]) == "OK");
        }
        assert_eq!(node.command(&["CLUSTER", "RESET", "HARD"]), "OK");
    }

    /// Starts a node that was stopped, which joins again, and waits until all nodes agree.
    pub fn restart(&self, node: &RedisServer) {
        node.restart();
        self.until_ok();
    }

    /// Waits until every slot has an owner that runs, every replica has all its primary's data, and all nodes say so.
    pub fn until_ok(&self) {
        eventually(AGREED, || {
            self.running().all(|node| {
                let (info, replication) =
                    (node.command(&["CLUSTER", "INFO"]), node.command(&["INFO", "replication"]));
                let (nodes, owners) = (node.command(&["CLUSTER", "NODES"]), owners(node));
                info.contains("cluster_state:ok")
                    && info.contains(&format!("cluster_slots_ok:{SLOTS}"))
                    && (replication.contains("role:master") || replication.contains("master_link_status:up"))
                    && !nodes.contains("fail")
                    && !nodes.contains("handshake")
                    && nodes.lines().count() == self.nodes.len()
                    && self.listed(node) == self.running().count()
                    && owners.iter().map(|(range, _)| range.len()).sum::<usize>() == usize::from(SLOTS)
            })
        });
    }

    fn create(&self) {
        for (epoch, node) in (1..).zip(&self.nodes) {
            assert_eq!(node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]), "OK");
        }
        let (first, rest) = self.nodes.split_first().expect("a node");
        for node in rest {
            assert_eq!(first.command(&["CLUSTER", "MEET", self.host, &node.port().to_string()]), "OK");
        }
        let share = usize::from(SLOTS).div_ceil(self.primaries);
        let slots: Vec<String> = (0..SLOTS).map(|slot| slot.to_string()).collect();
        for (node, slots) in self.nodes.iter().zip(slots.chunks(share)) {
            let command: Vec<&str> =
                ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
            let answer = node.command(&command);
            // Busy slots were added before a signal came.
            assert!(answer == "OK" || answer.contains("is already busy"), "{answer}");
        }
        let knows_all = |node: &RedisServer| {
            let nodes = node.command(&["CLUSTER", "NODES"]);
            nodes.lines().count() == self.nodes.len() && !nodes.contains("handshake")
        };
        eventually(AGREED, || self.nodes.iter().all(knows_all));
        let ids: Vec<String> = self.nodes[..self.primaries].iter().map(id).collect();
        for (replica, primary) in self.nodes[self.primaries..].iter().zip(ids.iter().cycle()) {
            assert_eq!(replica.command(&["CLUSTER", "REPLICATE", primary]), "OK");
        }
        let replicas = self.nodes.len() - self.primaries;
        let knows_replicas = |node: &RedisServer| {
            node.command(&["CLUSTER", "NODES"]).lines().filter(|line| line.contains("slave")).count()
                == replicas
        };
        eventually(AGREED, || self.nodes.iter().all(knows_replicas));
        self.until_ok();
    }

    /// The number of different nodes in `CLUSTER SLOTS`.
    fn listed(&self, node: &RedisServer) -> usize {
        let slots = node.command(&["CLUSTER", "SLOTS"]);
        self.nodes.iter().filter(|node| slots.lines().any(|line| line == node.port().to_string())).count()
    }

    fn find_owner(&self, slot: u16) -> Option<&RedisServer> {
        let owners =
            self.running().find_map(|node| Some(owners(node)).filter(|owners| !owners.is_empty()))?;
        let port = owners.iter().find(|(range, _)| range.contains(&slot))?.1;
        self.nodes.iter().find(|node| node.port() == port)
    }

    fn find_replica(&self, primary: &RedisServer) -> Option<&RedisServer> {
        let id = id(primary);
        let is_replica = |node: &&RedisServer| {
            let line = myself(node);
            line.contains("slave") && line.contains(&id)
        };
        self.running().find(is_replica)
    }
}

impl Deployment for RedisCluster {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        let mut replies = self.running().map(|node| node.command(args));
        if args.first() == Some(&"KEYS") {
            // Replicas have the keys of their primaries.
            let keys: BTreeSet<_> =
                replies.flat_map(|keys| keys.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
            return keys.into_iter().collect::<Vec<_>>().join("\n");
        }
        replies.find(|reply| !reply.contains("Moved: ")).expect("a node that owns the slot")
    }
}

/// The ranges of slots and the ports of their owners, as a node says.
fn owners(node: &RedisServer) -> Vec<(Range<u16>, u16)> {
    let mut ranges = Vec::new();
    for line in node.command(&["CLUSTER", "NODES"]).lines().filter(|line| is_primary(line)) {
        let mut fields = line.split(' ');
        let address = fields.nth(1).expect("an address");
        let port = address.split('@').next().and_then(|address| address.rsplit(':').next());
        let port = port.and_then(|port| port.parse().ok()).expect("a port");
        for range in fields.skip(6).filter(|range| !range.starts_with('[')) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let [first, last] = [first, last].map(|slot| slot.parse::<u16>().expect("a slot"));
            ranges.push((first..last + 1, port));
        }
    }
    ranges
}

/// The line of a node about itself.
pub(super) fn myself(node: &RedisServer) -> String {
    let nodes = node.command(&["CLUSTER", "NODES"]);
    nodes.lines().find(|line| line.contains("myself")).unwrap_or_default().to_owned()
}

pub(super) fn id(node: &RedisServer) -> String {
    node.command(&["CLUSTER", "MYID"])
}

pub(super) fn is_primary(line: &str) -> bool {
    line.split(' ').nth(2).is_some_and(|flags| flags.contains("master") && !flags.contains("fail"))
}

fn has_slots(line: &str) -> bool {
    line.split(' ').count() > 8
}

/// Opens a connection without a time limit, so that a signal interrupts none of its commands: the end of a child process
/// is one, and the system resumes only waits without a limit.
pub(super) fn connect(node: &RedisServer) -> Connection {
    let connection = node.connect().expect("a connection to the node");
    connection.set_read_timeout(None).expect("no time limit");
    connection
}

pub(super) fn set_slot(node: &mut Connection, slot: u16, args: &[&str]) {
    redis::cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(args).exec(node).expect("the slot is set");
}
