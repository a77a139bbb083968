//! The places of the fields in an envelope.

use std::sync::LazyLock;

/// The first bytes of every envelope, which distinguish larder's entries from others'.
pub(crate) const MAGIC: &[u8; 3] = b"ldr";
/// The first bytes of every envelope of this version, vacant ones included.
pub(crate) const MARK: &[u8] = b"ldr\x03";
/// The length of the header, which tags, function and payload follow.
pub(crate) const HEADER_LEN: usize = 152;
/// The offset of the group's stamp, which the scripts that fill and reclaim compare in Redis.
pub(crate) const STAMP_OFFSET: usize = 56;
/// The offset of the length of the prefix, from this version on. Scripts compare it.
pub(crate) const PREFIX_OFFSET: usize = 96;
/// The offset of the lease. From here on a header may change while the value does not.
pub(super) const LEASE_OFFSET: usize = 112;
/// The offset of the put lease.
pub(super) const PUT_OFFSET: usize = 136;
/// The time of an entry that does not expire.
pub(crate) const NEVER: u64 = u64::MAX;

pub(super) const VERSION: u8 = MARK[3];
pub(super) const VERSION_OFFSET: usize = 3;
pub(super) const FORM_OFFSET: usize = 4;
pub(super) const COMPRESS_OFFSET: usize = 5;
pub(super) const FLAGS_OFFSET: usize = 6;
pub(super) const TAGS_OFFSET: usize = 7;
pub(super) const CREATED_OFFSET: usize = 8;
pub(super) const SOFT_OFFSET: usize = 16;
pub(super) const HARD_OFFSET: usize = 24;
pub(super) const KEY_OFFSET: usize = 32;
pub(super) const FINGERPRINT_OFFSET: usize = 48;
pub(super) const IDENTITY_OFFSET: usize = 72;
/// The count at which the computation of a value with late tags began: number, epoch.
pub(super) const LATE_OFFSET: usize = 80;
/// The number of late tags, which are the last tags.
pub(super) const LATE_COUNT_OFFSET: usize = 100;
pub(super) const NAME_LEN_OFFSET: usize = 98;
pub(super) const RAW_LEN_OFFSET: usize = 104;
pub(super) const CRC_OFFSET: usize = 108;

/// Set in the flags of an entry that stands for a `None`; its payload is empty.
pub(super) const FLAG_NONE: u8 = 1;
/// Set in the flags of a vacant envelope.
pub(super) const FLAG_VACANT: u8 = 2;

/// Returns the checksum (CRC-32) of two pieces: of the header up to the checksum itself, and of all that follows the lease.
#[inline]
pub(super) fn checksum(header: &[u8], body: &[u8]) -> u32 {
    // A clone does not ask again what the processor can do.
    static EMPTY: LazyLock<crc32fast::Hasher> = LazyLock::new(crc32fast::Hasher::new);
    let mut hasher = EMPTY.clone();
    hasher.update(header);
    hasher.update(body);
    hasher.finalize()
}
