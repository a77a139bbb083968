//! The slot of a key.

/// The number of slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a key. The number is computed at its first use, and on one server never.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'k> {
    /// The slot of this key.
    Key(&'k [u8]),
    /// The slot with this number.
    Number(u16),
}

impl<'k> Slot<'k> {
    /// Returns the slot of a key.
    pub(crate) fn of(key: &'k str) -> Self {
        Self::Key(key.as_bytes())
    }

    /// Returns the slot of a key that need not be text.
    #[cfg(all(feature = "axum", feature = "cluster"))]
    pub(crate) fn of_bytes(key: &'k [u8]) -> Self {
        Self::Key(key)
    }

    /// Returns the number of the slot, below [`SLOTS`].
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Key(key) => crc16(hashed(key)) % SLOTS,
            Self::Number(number) => number % SLOTS,
        }
    }
}

/// Returns the part of a key that decides its slot: the text in its first braces, or the whole key without any or with nothing
/// in them.
fn hashed(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|byte| *byte == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// The checksums of single bytes.
const TABLE: [u16; 256] = table();

/// CRC-16/XMODEM: polynomial 0x1021, initial value zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_server() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        // As `CLUSTER KEYSLOT` replies.
        for (key, slot) in [("foo", 12_182), ("somekey", 11_058), ("{user1000}.following", 3_443), ("", 0)] {
            assert_eq!(Slot::of(key).number(), slot, "{key}");
        }
    }

    #[test]
    fn the_first_braces_decide_unless_they_are_empty() {
        for (key, part) in [
            ("{user}:a", "user"),
            ("a{user}b{other}", "user"),
            ("a{{user}}b", "{user"),
            ("a{}{user}", "a{}{user}"),
            ("a{user", "a{user"),
            ("a}user{", "a}user{"),
        ] {
            assert_eq!(hashed(key.as_bytes()), part.as_bytes(), "{key}");
        }
    }
}
