//! LZ4 blocks, by lz4_flex.

use super::algorithm::Algorithm;

/// The most bytes that one byte of LZ4 can stand for; a header that claims more is wrong.
const MAX_RATIO: usize = 255;

/// The algorithm [`Compress::Lz4`](super::Compress::Lz4).
pub(super) struct Lz4;

impl Algorithm for Lz4 {
    fn compress(raw: &[u8]) -> Option<Vec<u8>> {
        Some(lz4_flex::block::compress(raw))
    }

    fn decompress(bytes: &[u8], raw_len: usize) -> Option<Vec<u8>> {
        if raw_len > bytes.len().saturating_mul(MAX_RATIO) {
            return None;
        }
        lz4_flex::block::decompress(bytes, raw_len).ok()
    }
}
