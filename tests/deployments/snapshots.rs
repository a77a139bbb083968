//! The file of a replica's last full synchronisation, which `docs/operations.md` says to remove.

use support::redis::RedisServer;
use support::stores::LONG;
use support::wait::eventually;

#[test]
fn a_replica_without_persistence_starts_with_what_it_once_received() {
    for (removes, entries) in [("no", "1"), ("yes", "0")] {
        let primary = RedisServer::start();
        assert_eq!(primary.command(&["SET", "k", "v"]), "OK");
        let port = primary.port().to_string();
        let replica =
            RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--rdb-del-sync-files", removes]);
        eventually(LONG, || replica.command(&["INFO", "replication"]).contains("master_link_status:up"));
        assert_eq!(replica.command(&["DBSIZE"]), "1");
        primary.stop();
        replica.restart();
        assert_eq!(replica.command(&["DBSIZE"]), entries, "rdb-del-sync-files {removes}");
    }
}
