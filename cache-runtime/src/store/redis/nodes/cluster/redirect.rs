//! Replies of a cluster that say where or when to send a command again.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::redis::url::{Address, AddressMap};
use crate::types::error::Error;

/// The reply of a node that did not carry out a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Another node owns this slot.
    Moved(u16, Address),
    /// Another node imports the slot, and has the key.
    Ask(Address),
    /// The keys of the command are on two nodes now, because the slot is being moved.
    TryAgain,
    /// The cluster, or this slot, has no node that serves it now.
    Down,
}

impl Redirect {
    /// Returns the redirect that an error is; `asked` is the address of the node that replied.
    pub(super) fn of(error: &Error, asked: &Address, addresses: &AddressMap) -> Option<Self> {
        let Error::Redis { source: Some(source), .. } = error else { return None };
        Self::of_redis(source.downcast_ref::<RedisError>()?, asked, addresses)
    }

    /// [`Redirect::of`] for an error of the client library.
    pub(super) fn of_redis(error: &RedisError, asked: &Address, addresses: &AddressMap) -> Option<Self> {
        let target = || {
            let (address, slot) = error.redirect_node()?;
            Some((slot, announced(address, asked, addresses)?))
        };
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => {
                target().map(|(slot, owner)| Self::Moved(slot, owner))
            }
            ErrorKind::Server(ServerErrorKind::Ask) => target().map(|(_, importer)| Self::Ask(importer)),
            ErrorKind::Server(ServerErrorKind::TryAgain) => Some(Self::TryAgain),
            ErrorKind::Server(ServerErrorKind::ClusterDown) => Some(Self::Down),
            _ => None,
        }
    }
}

/// Returns the address at which a node that is announced as `host:port` can be reached. The host of an IPv6 address has no
/// brackets, and may be missing.
fn announced(text: &str, asked: &Address, addresses: &AddressMap) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    Some(reachable(host, port.parse().ok()?, asked, addresses))
}

/// Returns the address at which a node with an announced host and port can be reached. A node that does not know its host
/// announces none or a question mark, and has the host of the node that was asked.
pub(super) fn reachable(host: &str, port: u16, asked: &Address, addresses: &AddressMap) -> Address {
    match asked {
        Address::Tcp { host: asked, .. } if matches!(host, "" | "?") => addresses.map(asked, port),
        _ => addresses.map(host, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_addresses_are_understood() {
        let asked = Address::Tcp { host: "asked".to_owned(), port: 1 };
        let pairs = [("10.0.0.1:6379".to_owned(), "localhost:7000".to_owned())];
        let addresses = AddressMap::parse(&pairs).expect("valid");
        for (text, address) in [
            ("127.0.0.1:6381", Some("127.0.0.1:6381")),
            ("::1:6381", Some("[::1]:6381")),
            ("node-1.example:6381", Some("node-1.example:6381")),
            (":6381", Some("asked:6381")),
            ("?:6381", Some("asked:6381")),
            ("10.0.0.1:6379", Some("localhost:7000")),
            ("127.0.0.1", None),
            ("127.0.0.1:x", None),
        ] {
            let announced = announced(text, &asked, &addresses).map(|address| address.to_string());
            assert_eq!(announced.as_deref(), address, "{text}");
        }
    }
}
