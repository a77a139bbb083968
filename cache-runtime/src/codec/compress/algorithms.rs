//! The table of compressions: one line adds one.

use super::algorithm::{Algorithm, Uncompressed};
use super::declare::compressions;
use crate::codec::feature::feature_off;
use crate::types::error::Error;

compressions! {
    /// The compression of stored values.
    ///
    /// Every variant exists in every build; using one whose feature is off is an error that names the feature. Values
    /// below 512 bytes, and those that would not get smaller, are stored uncompressed.
    #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Compress {
        /// LZ4 (feature `lz4`): fast.
        Lz4 = 1, lz4, feature "lz4";
        /// Zstandard (feature `zstd`): smaller.
        Zstd = 2, zstd, feature "zstd";
    }
}
