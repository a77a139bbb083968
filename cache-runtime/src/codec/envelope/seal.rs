//! Writing an envelope.

use bytes::Bytes;

use super::header::Header;
use super::labels::StampedLabels;
use super::layout::{CRC_OFFSET, HARD_OFFSET, HEADER_LEN, LEASE_OFFSET, SOFT_OFFSET, checksum};
use super::open::parse;
use crate::codec::compress::compress;
use crate::codec::{Compress, Encode};
use crate::types::error::Error;
use crate::types::key::Key;

/// Puts a value, or the absence of one, into an envelope for `key`.
pub(crate) fn seal<T: Encode + ?Sized>(
    key: &Key,
    header: Header,
    labels: StampedLabels<'_>,
    value: Option<&T>,
    max_value: usize,
) -> Result<Bytes, Error> {
    let mut header = Header { none: value.is_none(), stamp: labels.group(), ..header };
    header.compress.available()?;
    let mut out = Vec::with_capacity(HEADER_LEN + 152);
    out.resize(HEADER_LEN, 0);
    let tags = labels.write_tags(&mut out);
    let start = out.len();
    if let Some(value) = value {
        value.encode(header.form, &mut out)?;
    }
    let size = out.len() - start;
    let limit = max_value.min(u32::MAX as usize);
    if size > limit {
        return Err(Error::TooLarge { size, limit });
    }
    match compress(header.compress, &out[start..]) {
        Some(smaller) => {
            out.truncate(start);
            out.extend_from_slice(&smaller);
        }
        None => header.compress = Compress::None,
    }
    // The memory store counts lengths, so no spare capacity may remain.
    out.shrink_to_fit();
    header.write(key, tags, size as u32, &mut out);
    Ok(Bytes::from(out))
}

/// Returns the same envelope with another soft expiry, and without a lease.
pub(crate) fn with_soft_expiry(bytes: &[u8], soft_ms: u64) -> Option<Bytes> {
    let mut out = bytes.to_vec();
    parse(&out)?;
    out[SOFT_OFFSET..HARD_OFFSET].copy_from_slice(&soft_ms.to_le_bytes());
    out[LEASE_OFFSET..HEADER_LEN].fill(0);
    let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
    out[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
    Some(Bytes::from(out))
}
