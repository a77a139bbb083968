//! The clusters that tests start do what the other tests rely on.

use support::cluster::RedisCluster;

#[test]
fn keys_move_with_their_slots_and_survive_a_failover() {
    let cluster = RedisCluster::start();
    let [first, second, ..] = cluster.nodes() else { panic!("six nodes") };
    let keys: Vec<String> = (0..20).map(|slot| format!("{}:key", cluster.tag(slot))).collect();
    for key in &keys {
        assert_eq!(first.command(&["SET", key, "value"]), "OK");
    }
    cluster.reshard(first, second, 0..20);
    for key in &keys {
        assert_eq!(second.command(&["GET", key]), "value");
        assert!(first.command(&["GET", key]).contains("Moved"));
    }
    let replica = cluster.replica_of(second);
    cluster.fail_over(replica);
    assert_eq!(cluster.owner(0).port(), replica.port());
    assert_eq!(replica.command(&["GET", &keys[0]]), "value");
    cluster.assign(first, 0..10);
    assert_eq!(first.command(&["GET", &keys[0]]), "(nil)");
    replica.stop();
    cluster.until_promoted(second);
    assert_eq!(second.command(&["GET", &keys[10]]), "value");
    cluster.restart(replica);
}
