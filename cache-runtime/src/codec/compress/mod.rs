//! Compression of encoded values, bounded both ways.

mod algorithm;
mod algorithms;
mod bounded;
mod declare;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "zstd")]
mod zstd;

pub use self::algorithms::Compress;
pub(super) use self::bounded::{compress, decompress};
