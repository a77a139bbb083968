//! The trait behind a compression.

/// A compression algorithm: implemented once for each, by a unit struct in the algorithm's own file.
pub(super) trait Algorithm {
    /// Returns the compressed bytes.
    fn compress(raw: &[u8]) -> Option<Vec<u8>>;

    /// Returns the bytes that were compressed. Allocates at most `raw_len` bytes; the caller checks the length of the
    /// result.
    fn decompress(bytes: &[u8], raw_len: usize) -> Option<Vec<u8>>;
}

/// The algorithm [`Compress::None`](super::Compress::None).
pub(super) struct Uncompressed;

impl Algorithm for Uncompressed {
    fn compress(_: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decompress(bytes: &[u8], _: usize) -> Option<Vec<u8>> {
        Some(bytes.to_vec())
    }
}
