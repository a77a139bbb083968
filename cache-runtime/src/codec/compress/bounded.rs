//! The bounds of compression: which values are compressed, and how large a value may become again.

use super::Compress;

/// The smallest length that is worth the time of a compression.
const WORTH_IT: usize = 512;

/// Returns the compressed bytes, if `raw` is worth it and gets smaller.
pub(crate) fn compress(kind: Compress, raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() < WORTH_IT {
        return None;
    }
    kind.compress(raw).filter(|smaller| smaller.len() < raw.len())
}

/// Returns the `raw_len` bytes that were compressed. Never allocates more than `limit`, whatever `raw_len` claims.
pub(crate) fn decompress(kind: Compress, bytes: &[u8], raw_len: usize, limit: usize) -> Option<Vec<u8>> {
    if raw_len > limit {
        return None;
    }
    kind.decompress(bytes, raw_len).filter(|raw| raw.len() == raw_len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Iterator<Item = Compress> {
        Compress::ALL.iter().copied().filter(|kind| *kind != Compress::None)
    }

    fn available() -> impl Iterator<Item = Compress> {
        kinds().filter(|kind| kind.available().is_ok())
    }

    proptest! {
        #[test]
        fn round_trip(seed in prop::collection::vec(any::<u8>(), 1..300), times in 1..40_usize) {
            let raw = seed.repeat(times);
            for kind in available() {
                let Some(small) = compress(kind, &raw) else {
                    prop_assert!(raw.len() < WORTH_IT || times == 1);
                    continue;
                };
                prop_assert!(small.len() < raw.len());
                let len = raw.len();
                prop_assert!(decompress(kind, &small, len, len).is_some_and(|back| back == raw));
                prop_assert_eq!(decompress(kind, &small, len, len - 1), None);
                prop_assert_eq!(decompress(kind, &small, len + 1, len + 1), None);
                prop_assert_eq!(decompress(kind, &small, len - 1, len), None);
            }
        }

        #[test]
        fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), raw_len in 0..100_000_usize) {
            for kind in kinds() {
                let raw = decompress(kind, &bytes, raw_len, 100_000);
                prop_assert!(raw.is_none_or(|raw| raw.len() == raw_len));
            }
        }
    }

    #[test]
    fn small_values_stay_as_they_are() {
        for kind in available() {
            assert_eq!(compress(kind, &[7; WORTH_IT - 1]), None);
            assert!(compress(kind, &[7; WORTH_IT]).is_some());
        }
        assert_eq!(compress(Compress::None, &[7; 4096]), None);
        assert_eq!(decompress(Compress::None, b"abc", 3, 3).as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn highest_ratio() {
        for kind in available() {
            let raw = vec![0; 4 << 20];
            let small = compress(kind, &raw).unwrap();
            assert!(decompress(kind, &small, raw.len(), raw.len()) == Some(raw));
        }
    }

    #[test]
    fn a_claimed_length_is_not_trusted() {
        for kind in kinds() {
            assert_eq!(decompress(kind, b"\x10a", u32::MAX as usize, 8 << 20), None);
            assert_eq!(decompress(kind, b"\x10a", 8 << 20, 8 << 20), None);
        }
    }
}
