//! Compression of encoded values, bounded both ways.

use super::Compress;

/// Below this, what compression saves is not worth the time.
const WORTH_IT: usize = 512;

/// The most that one byte of LZ4 can stand for; a header that claims more is wrong.
#[cfg(feature = "lz4")]
const LZ4_RATIO: usize = 255;

/// The compressed bytes, if they are worth it and get smaller.
pub(crate) fn compress(kind: Compress, bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < WORTH_IT {
        return None;
    }
    let smaller: Option<Vec<u8>> = match kind {
        Compress::None => None,
        #[cfg(feature = "lz4")]
        Compress::Lz4 => Some(lz4_flex::block::compress(bytes)),
        #[cfg(feature = "zstd")]
        Compress::Zstd => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL).ok(),
        #[cfg(not(all(feature = "lz4", feature = "zstd")))]
        _ => None,
    };
    smaller.filter(|smaller| smaller.len() < bytes.len())
}

/// The `raw_len` bytes that were compressed. Never allocates more than `limit`, whatever `raw_len` claims.
pub(crate) fn decompress(kind: Compress, bytes: &[u8], raw_len: usize, limit: usize) -> Option<Vec<u8>> {
    if raw_len > limit {
        return None;
    }
    let raw = match kind {
        Compress::None => bytes.to_vec(),
        #[cfg(feature = "lz4")]
        Compress::Lz4 => {
            if raw_len > bytes.len().saturating_mul(LZ4_RATIO) {
                return None;
            }
            lz4_flex::block::decompress(bytes, raw_len).ok()?
        }
        #[cfg(feature = "zstd")]
        Compress::Zstd => zstd::bulk::decompress(bytes, raw_len).ok()?,
        #[cfg(not(all(feature = "lz4", feature = "zstd")))]
        _ => return None,
    };
    (raw.len() == raw_len).then_some(raw)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Compress; 2] = [Compress::Lz4, Compress::Zstd];

    fn on() -> impl Iterator<Item = Compress> {
        KINDS.into_iter().filter(|kind| kind.available().is_ok())
    }

    proptest! {
        #[test]
        fn round_trip(seed in prop::collection::vec(any::<u8>(), 1..300), times in 1..40_usize) {
            let raw = seed.repeat(times);
            for kind in on() {
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
            for kind in KINDS {
                let raw = decompress(kind, &bytes, raw_len, 100_000);
                prop_assert!(raw.is_none_or(|raw| raw.len() == raw_len));
            }
        }
    }

    #[test]
    fn only_when_worth_it() {
        for kind in on() {
            assert_eq!(compress(kind, &[7; WORTH_IT - 1]), None);
            assert!(compress(kind, &[7; WORTH_IT]).is_some());
        }
        assert_eq!(compress(Compress::None, &[7; 4096]), None);
        assert_eq!(decompress(Compress::None, b"abc", 3, 3).as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn highest_ratio() {
        for kind in on() {
            let raw = vec![0; 4 << 20];
            let small = compress(kind, &raw).unwrap();
            assert!(decompress(kind, &small, raw.len(), raw.len()) == Some(raw));
        }
    }

    #[test]
    fn claims_are_not_believed() {
        for kind in KINDS {
            assert_eq!(decompress(kind, b"\x10a", u32::MAX as usize, 8 << 20), None);
            assert_eq!(decompress(kind, b"\x10a", 8 << 20, 8 << 20), None);
        }
    }
}
