//! The address of a client, from the peer's and what proxies wrote. Pure functions.

use std::net::{IpAddr, SocketAddr};

use super::network::{Network, masked};

/// The parts of an address that identify a client: proxies that are trusted, and the bits of IPv6 addresses that count.
#[derive(Debug, Clone)]
pub(super) struct AddressRules {
    pub(super) trusted: Vec<Network>,
    pub(super) ipv6_bits: u32,
}

impl Default for AddressRules {
    fn default() -> Self {
        // The smallest network that a customer gets: all of its addresses are one client.
        Self { trusted: Vec::new(), ipv6_bits: 64 }
    }
}

impl AddressRules {
    /// Returns the client of a connection from `peer`. `lines` are those of `X-Forwarded-For`, in their order.
    ///
    /// Each proxy appends the address that it was called from, so the last ones are true as far as proxies are trusted, and the first
    /// ones are what a client made up.
    pub(super) fn client<'l>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'l [u8]>,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.is_trusted(client) {
                break;
            }
            let Some(hop) = address(hop) else { break };
            client = hop;
        }
        self.identity(client)
    }

    /// Returns `true` if the address is one of a trusted proxy.
    pub(super) fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Returns the part of an address that identifies a client.
    fn identity(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(_) => masked(address, self.ipv6_bits),
        }
    }
}

/// Reads one hop: an address, perhaps with a port, brackets or a zone.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    if let Ok(address) = hop.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = hop.parse::<SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(_, port)| is_port(port))?.0,
        None => hop,
    };
    let address = bare.split_once('%').map_or(bare, |(address, _)| address);
    address
        .parse::<IpAddr>()
        .ok()
        .filter(|address| bare == hop || address.is_ipv6())
        .map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(trusted: &[&str]) -> AddressRules {
        let trusted = trusted.iter().map(|text| Network::parse(text).expect("a network")).collect();
        AddressRules { trusted, ..AddressRules::default() }
    }

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let lines = lines.iter().map(|line| line.as_bytes());
        rules(trusted).client(peer.parse().expect("an address"), lines).to_string()
    }

    #[test]
    fn without_trust_the_peer_is_the_client() {
        for forged in [&["1.2.3.4"][..], &["1.2.3.4, 5.6.7.8"], &["10.0.0.1"], &[]] {
            assert_eq!(client(&[], "203.0.113.9", forged), "203.0.113.9");
        }
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
    }

    #[test]
    fn hops_are_walked_from_the_right_through_trusted_proxies() {
        for (lines, expected) in [
            (&["evil, 1.2.3.4, 10.0.0.9"][..], "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4, 10.0.0.9"], "1.2.3.4"),
            (&["1.2.3.4", "10.0.0.9"], "1.2.3.4"),
            (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
            (&[], "10.0.0.1"),
            // A hop that is no address ends the walk at the last good one.
            (&["1.2.3.4, unknown, 10.0.0.9"], "10.0.0.9"),
            (&["1.2.3.4, "], "10.0.0.1"),
            (&["1.2.3.4,, 10.0.0.9"], "10.0.0.9"),
            (&["1.2.3.4:5678"], "1.2.3.4"),
            (&[" \t1.2.3.4\t"], "1.2.3.4"),
            (&["[2001:db8:1:2:3::4]:443"], "2001:db8:1:2::"),
            (&["[2001:db8:1:2:3::4]"], "2001:db8:1:2::"),
            (&["fe80::1%eth0"], "fe80::"),
            (&["[fe80::1%eth0]:80"], "fe80::"),
            (&["::ffff:1.2.3.4"], "1.2.3.4"),
            (&["[1.2.3.4]"], "10.0.0.1"),
            (&["2001:db8::1]"], "10.0.0.1"),
            (&["[::1]x"], "10.0.0.1"),
            (&["1.2.3.4%eth0"], "1.2.3.4"),
            (&["1.2.3"], "10.0.0.1"),
            (&["0x7f.1"], "10.0.0.1"),
        ] {
            assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", lines), expected, "{lines:?}");
        }
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let of = |peer: &str| client(&[], peer, &[]);
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:1.2.3.4"), of("1.2.3.4"));
    }
}
