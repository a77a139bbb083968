//! Notifications of a cluster whose replica is promoted.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::PrefixTracking;
use crate::rt::park;
use crate::store::listener::ChangeListener;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::nodes::{Nodes, SLOTS};
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::tests::wait::eventually;
use crate::store::settings::StoreSettings;

const LONG: Duration = Duration::from_secs(60);

/// A listener that records the keys that changed, and everything else.
#[derive(Default)]
struct Recorder {
    changed: Mutex<HashSet<Vec<u8>>>,
    others: Mutex<Vec<&'static str>>,
}

impl ChangeListener for Recorder {
    fn on_connected(&self) {
        self.others.lock().expect("no panic").push("connected");
    }
    fn on_lost(&self) {
        self.others.lock().expect("no panic").push("lost");
    }
    fn on_change(&self, key: &[u8]) {
        self.changed.lock().expect("no panic").insert(key.to_vec());
    }
    fn on_flush(&self) {
        self.others.lock().expect("no panic").push("flush");
    }
}

/// Starts a primary of all slots, and a replica of it.
fn cluster() -> [RedisServer; 2] {
    let [primary, replica] = [(); 2]
        .map(|()| RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]));
    let slots: Vec<String> = (0..SLOTS).map(|slot| slot.to_string()).collect();
    let add: Vec<&str> =
        ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
    assert_eq!(primary.command(&add), "OK");
    let port = primary.port().to_string();
    assert_eq!(replica.command(&["CLUSTER", "MEET", "127.0.0.1", &port]), "OK");
    let id = primary.command(&["CLUSTER", "MYID"]);
    eventually(LONG, || replica.command(&["CLUSTER", "REPLICATE", &id]) == "OK");
    eventually(LONG, || {
        replica.command(&["INFO", "replication"]).contains("master_link_status:up")
            && [&primary, &replica].iter().all(|node| {
                node.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
                    && node.command(&["CLUSTER", "SLOTS"]).contains(&replica.port().to_string())
            })
    });
    [primary, replica]
}

#[test]
fn every_change_is_notified_while_a_replica_is_promoted() {
    let [primary, replica] = cluster();
    let url = format!("redis+cluster://127.0.0.1:{}", primary.port());
    let settings = StoreSettings { url, redis_timeout: LONG, ..StoreSettings::default() };
    let config = RedisConfig::from_settings(&settings).expect("a valid URL");
    let nodes = park::block_on(Nodes::connect(config)).expect("a cluster");
    let recorder = Arc::new(Recorder::default());
    let tracking = PrefixTracking::start(&nodes, "p:", Arc::clone(&recorder)).expect("a thread");
    eventually(LONG, || tracking.is_complete());
    // The replica notifies as well, of what it replicates.
    let is_tracked = |node: &RedisServer| node.command(&["INFO", "clients"]).contains("tracking_clients:1");
    eventually(LONG, || is_tracked(&primary) && is_tracked(&replica));
    let mut written = HashSet::new();
    let mut write = |count: usize, stops: &mut dyn FnMut() -> bool| {
        for _ in 0..count {
            let key = format!("p:{}", written.len());
            let set = |node: &RedisServer| node.command(&["SET", &key, "1"]) == "OK";
            eventually(LONG, || set(&primary) || set(&replica));
            written.insert(key.into_bytes());
            if stops() {
                break;
            }
        }
    };
    write(100, &mut || false);
    assert_eq!(replica.command(&["CLUSTER", "FAILOVER"]), "OK");
    write(10_000, &mut || replica.command(&["ROLE"]).starts_with("master"));
    write(100, &mut || false);
    eventually(LONG, || *recorder.changed.lock().expect("no panic") == written);
    nodes.refresh();
    let owner = || {
        nodes
            .topology()
            .owner(0)
            .is_some_and(|owner| owner.to_string().ends_with(&replica.port().to_string()))
    };
    eventually(LONG, owner);
    eventually(LONG, || tracking.is_complete());
    let others = recorder.others.lock().expect("no panic").clone();
    assert!(!others.contains(&"lost"), "{others:?}");
}
