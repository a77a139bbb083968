//! A move of slots between two nodes of a cluster.

use redis::{Connection, Value};

use super::cluster::{RedisCluster, connect, id, is_primary, myself, set_slot};
use super::redis::RedisServer;

/// A move of slots from one primary to another.
pub struct SlotMove {
    source: (String, Connection),
    target: (String, Connection),
    target_port: u16,
    others: Vec<Connection>,
}

impl SlotMove {
    pub(super) fn new(cluster: &RedisCluster, from: &RedisServer, to: &RedisServer) -> Self {
        let is_other = |node: &&RedisServer| ![from.port(), to.port()].contains(&node.port());
        let others = cluster.running().filter(is_other).filter(|node| is_primary(&myself(node))).map(connect);
        Self {
            source: (id(from), connect(from)),
            target: (id(to), connect(to)),
            target_port: to.port(),
            others: others.collect(),
        }
    }

    /// Begins to move a slot: the target serves keys that the source does not have.
    pub fn begin(&mut self, slot: u16) {
        set_slot(&mut self.target.1, slot, &["IMPORTING", &self.source.0]);
        set_slot(&mut self.source.1, slot, &["MIGRATING", &self.target.0]);
    }

    /// Moves the keys of a slot, and makes the target its owner.
    pub fn finish(&mut self, slot: u16) {
        loop {
            let mut keys = redis::cmd("CLUSTER");
            keys.arg("GETKEYSINSLOT").arg(slot).arg(100);
            let keys: Vec<Vec<u8>> = keys.query(&mut self.source.1).expect("the keys of the slot");
            if keys.is_empty() {
                break;
            }
            let mut migrate = redis::cmd("MIGRATE");
            migrate.arg(&["127.0.0.1", &self.target_port.to_string(), "", "0", "5000", "KEYS"][..]).arg(keys);
            migrate.query::<Value>(&mut self.source.1).expect("the keys move");
        }
        // The target first: a source without the slot would send clients to a node that does not know that it owns the slot.
        let nodes = [&mut self.target.1, &mut self.source.1].into_iter().chain(&mut self.others);
        nodes.for_each(|node| set_slot(node, slot, &["NODE", &self.target.0]));
    }
}
