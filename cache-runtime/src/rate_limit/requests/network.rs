//! Networks, and the parts of addresses that identify a client.

use std::net::{IpAddr, Ipv6Addr};

/// A network: an address, and the number of bits that its hosts share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or one address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => {
                // As other programs, `/08` and `/+8` are refused.
                let is_number = bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit());
                (
                    address,
                    Some(
                        bits.parse()
                            .ok()
                            .filter(|_| is_number && (bits.len() == 1 || !bits.starts_with('0')))?,
                    ),
                )
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = length(address);
        let bits = bits.unwrap_or(most);
        if bits > most {
            return None;
        }
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let canonical = address.to_canonical();
        let bits = if canonical == address { bits } else { bits.checked_sub(96)? };
        Some(Self { first: masked(canonical, bits), bits })
    }

    /// Returns `true` if the network has this address.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && masked(address, self.bits) == self.first
    }
}

/// Returns the address without its last bits.
pub(super) fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

fn length(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_their_addresses() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.1", "9.255.255.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let parsed = Network::parse(network).expect(network);
            assert!(parsed.contains(inside.parse().expect("an address")), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().expect("an address")), "{network} {outside}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "a.b",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
