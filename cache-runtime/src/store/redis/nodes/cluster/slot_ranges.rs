//! The map of the slots, as `CLUSTER SLOTS` replies.

use redis::Value;

use super::redirect::reachable;
use crate::store::redis::nodes::topology::{NodeId, Topology};
use crate::store::redis::url::{Address, AddressMap};

/// Parses the reply of the node at `asked`. `None` if the reply has another form, or if the node knows of no slot.
pub(super) fn topology(reply: &Value, asked: &Address, addresses: &AddressMap) -> Option<Topology> {
    let Value::Array(ranges) = reply else { return None };
    let mut topology = Topology::unknown();
    let mut replicas = Vec::new();
    for range in ranges {
        let Value::Array(range) = range else { return None };
        let [Value::Int(first), Value::Int(last), nodes @ ..] = range.as_slice() else { return None };
        let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
        let mut nodes = nodes.iter().map(|node| node_id(node, asked, addresses));
        topology.own(&nodes.next()??, first..=last);
        replicas.extend(nodes.flatten());
    }
    // A node may be the replica of one range and, while it takes over, the owner of another.
    replicas.into_iter().for_each(|replica| topology.add_replica(replica));
    (!topology.primaries().is_empty()).then_some(topology)
}

fn node_id(node: &Value, asked: &Address, addresses: &AddressMap) -> Option<NodeId> {
    let Value::Array(fields) = node else { return None };
    let [host, Value::Int(port), ..] = fields.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        Value::Nil => "",
        _ => return None,
    };
    Some(NodeId::new(reachable(host, u16::try_from(*port).ok()?, asked, addresses)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), bulk("id"), Value::Array(Vec::new())])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
    }

    fn parse(ranges: Vec<Value>) -> Option<Topology> {
        let asked = Address::Tcp { host: "asked".to_owned(), port: 1 };
        topology(&Value::Array(ranges), &asked, &AddressMap::default())
    }

    #[test]
    fn owners_and_replicas_are_found() {
        let topology = parse(vec![
            range(0, 99, vec![node(bulk("a"), 1), node(bulk("::1"), 2)]),
            range(100, 199, vec![node(Value::Nil, 3), node(bulk("?"), 4)]),
            range(200, 200, vec![node(bulk(""), 5)]),
            range(300, 16_383, vec![node(bulk("a"), 1), node(bulk("::1"), 2)]),
        ])
        .expect("a topology");
        let owner = |slot| topology.owner(slot).map(ToString::to_string);
        assert_eq!(
            [0, 99, 100, 200, 300].map(|slot| owner(slot).expect("an owner")),
            ["a:1", "a:1", "asked:3", "asked:5", "a:1"]
        );
        assert_eq!(owner(250), None);
        let replicas: Vec<_> = topology.replicas().iter().map(ToString::to_string).collect();
        assert_eq!(replicas, ["[::1]:2", "asked:4"]);
    }

    #[test]
    fn other_replies_are_refused() {
        assert!(parse(Vec::new()).is_none());
        assert!(parse(vec![Value::Nil]).is_none());
        assert!(parse(vec![range(0, 1, Vec::new())]).is_none());
        assert!(parse(vec![range(0, 1, vec![Value::Int(1)])]).is_none());
        assert!(parse(vec![range(-1, 1, vec![node(bulk("a"), 1)])]).is_none());
        assert!(parse(vec![range(5, 1, vec![node(bulk("a"), 99_999)])]).is_none());
        let reversed = parse(vec![range(5, 1, vec![node(bulk("a"), 1)])]).expect("a node");
        assert_eq!(reversed.owner(5), None);
    }
}
