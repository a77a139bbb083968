//! Zstandard, by the crate zstd.

use zstd::{DEFAULT_COMPRESSION_LEVEL, bulk};

use super::algorithm::Algorithm;

/// The algorithm [`Compress::Zstd`](super::Compress::Zstd).
pub(super) struct Zstd;

impl Algorithm for Zstd {
    fn compress(raw: &[u8]) -> Option<Vec<u8>> {
        bulk::compress(raw, DEFAULT_COMPRESSION_LEVEL).ok()
    }

    fn decompress(bytes: &[u8], raw_len: usize) -> Option<Vec<u8>> {
        bulk::decompress(bytes, raw_len).ok()
    }
}
