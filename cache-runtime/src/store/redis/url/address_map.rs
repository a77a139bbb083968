//! The addresses at which nodes can be reached, where a cluster announces others.

use super::address::Address;
use crate::types::error::Error;

/// The setting, as errors name it.
const SETTING: &str = "node_address_map";

/// The addresses at which nodes can be reached, by the addresses that the cluster announces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AddressMap(Vec<(Pattern, Pattern)>);

/// A host with a port, or with any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    host: String,
    port: Option<u16>,
}

impl AddressMap {
    /// Parses pairs of an announced address and the address to connect to. Both have a port, or neither of them.
    ///
    /// # Errors
    /// [`Error::Config`] with an address that cannot be used.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, Error> {
        let mut map = Vec::with_capacity(pairs.len());
        for (announced, reachable) in pairs {
            let [from, to] = [Pattern::parse(announced)?, Pattern::parse(reachable)?];
            if from.port.is_some() != to.port.is_some() {
                let reason =
                    format!("has a port and `{reachable}` has none, or the reverse; write both or neither");
                return Err(Error::config(SETTING, announced, reason));
            }
            if map.iter().any(|(known, _)| *known == from) {
                return Err(Error::config(SETTING, announced, "is mapped twice"));
            }
            map.push((from, to));
        }
        Ok(Self(map))
    }

    /// Returns the address at which the node with an announced host and port can be reached. A pair with ports comes before
    /// one without.
    pub(crate) fn map(&self, host: &str, port: u16) -> Address {
        let is_host = |pattern: &Pattern| pattern.host.eq_ignore_ascii_case(host);
        let exact = self.0.iter().find(|(from, _)| is_host(from) && from.port == Some(port));
        let mapped = exact.or_else(|| self.0.iter().find(|(from, _)| is_host(from) && from.port.is_none()));
        match mapped {
            Some((_, to)) => Address::Tcp { host: to.host.clone(), port: to.port.unwrap_or(port) },
            None => Address::Tcp { host: host.to_owned(), port },
        }
    }
}

impl Pattern {
    /// Parses `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`.
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            || Error::config(SETTING, text, "is no address; write `host:port`, or `host` for any port");
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').or((!rest.is_empty()).then_some(""))),
            // With two colons, this is an IPv6 address.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(str::parse).transpose().map_err(|_| wrong())?;
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | '[' | ']'))
        {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Result<AddressMap, Error> {
        let pairs: Vec<_> = pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        AddressMap::parse(&pairs)
    }

    #[test]
    fn hosts_and_ports_are_mapped() {
        let map = map(&[
            ("10.0.0.1:6379", "localhost:7000"),
            ("10.0.0.1", "gate"),
            ("[fd00::1]:6379", "[::1]:7001"),
            ("fd00::2", "::1"),
        ])
        .expect("valid");
        for (host, port, mapped) in [
            ("10.0.0.1", 6379, "localhost:7000"),
            ("10.0.0.1", 6380, "gate:6380"),
            ("fd00::1", 6379, "[::1]:7001"),
            ("FD00::2", 5, "[::1]:5"),
            ("other", 1, "other:1"),
        ] {
            assert_eq!(map.map(host, port).to_string(), mapped);
        }
    }

    #[test]
    fn wrong_addresses_are_named() {
        for (from, to, part) in [
            ("a:1", "b", "a:1"),
            ("a", "b:1", "a"),
            ("a:x", "b:1", "a:x"),
            ("a:1", "b:99999", "b:99999"),
            ("", "b", ""),
            ("a:1", ":1", ":1"),
            ("[::1]x", "b", "[::1]x"),
            ("[::1", "b", "[::1"),
            ("redis://a:1", "b:1", "redis://a:1"),
        ] {
            match map(&[(from, to)]) {
                Err(Error::Config { setting: SETTING, value, .. }) => assert_eq!(value, part),
                other => panic!("{from}, {to}: {other:?}"),
            }
        }
        assert!(map(&[("a", "b"), ("a", "c")]).is_err());
    }
}
