//! Writing an envelope.

use bytes::Bytes;

use super::header::{Header, Lengths};
use super::labels::{StampedLabels, tag_names};
#[cfg(feature = "redis")]
use super::layout::PUT_OFFSET;
use super::layout::{
    CRC_OFFSET, HARD_OFFSET, HEADER_LEN, LATE_COUNT_OFFSET, LATE_OFFSET, LEASE_OFFSET, PREFIX_OFFSET,
    SOFT_OFFSET, TAGS_OFFSET, checksum,
};
use super::open::parse;
use crate::codec::compress::compress;
use crate::codec::{Compress, Encode};
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::Key;
use crate::types::stamp::Stamp;
use crate::types::tag_count::TagCount;

/// Puts a value, or the absence of one, into an envelope for `key`, an entry of `function`.
pub(crate) fn seal<T: Encode + ?Sized>(
    key: &Key,
    header: Header,
    labels: StampedLabels<'_>,
    function: &FunctionName,
    value: Option<&T>,
    max_value: usize,
) -> Result<Bytes, Error> {
    let (stamp, identity) = (labels.group(), function.hash());
    let mut header = Header { none: value.is_none(), stamp, identity, ..header };
    header.compress.available()?;
    let mut out = Vec::with_capacity(HEADER_LEN + 168);
    out.resize(HEADER_LEN, 0);
    let tags = labels.write_tags(&mut out);
    let name = bounded(function.short());
    out.extend_from_slice(name.as_bytes());
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
    header.write(key, Lengths { tags, name: name.len(), raw: size }, &mut out);
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

/// Returns the same envelope with further tags, which its value named after a computation that began at a count of invalidations.
pub(crate) fn with_late_tags(bytes: &[u8], late: StampedLabels<'_>, noted: TagCount) -> Option<Bytes> {
    let (count, names_end) = {
        let opened = parse(bytes)?;
        (opened.tags.stamps().count(), bytes.len() - opened.after_tags())
    };
    let stamps_end = HEADER_LEN + count * size_of::<Stamp>();
    let added = late.labels.tags.len();
    let mut out = Vec::with_capacity(bytes.len() + added * 64);
    out.extend_from_slice(&bytes[..stamps_end]);
    out.extend_from_slice(late.stamps.as_flattened());
    out.extend_from_slice(&bytes[stamps_end..names_end]);
    out.extend_from_slice(&tag_names(late.labels.tags));
    out.extend_from_slice(&bytes[names_end..]);
    // The memory store counts lengths, so no spare capacity may remain.
    out.shrink_to_fit();
    out[TAGS_OFFSET] = u8::try_from(count + added).ok()?;
    out[LATE_OFFSET..LATE_OFFSET + 8].copy_from_slice(&noted.number.to_le_bytes());
    out[LATE_OFFSET + 8..PREFIX_OFFSET].copy_from_slice(&noted.epoch);
    out[LATE_COUNT_OFFSET] = added as u8;
    let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
    out[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
    Some(Bytes::from(out))
}

/// Returns the same envelope with the lease of a put.
#[cfg(feature = "redis")]
pub(crate) fn with_put(bytes: &[u8], token: &[u8; 16]) -> Bytes {
    let mut out = bytes.to_vec();
    out[PUT_OFFSET..HEADER_LEN].copy_from_slice(token);
    Bytes::from(out)
}

/// Returns the name, or none where its length does not fit into its field.
fn bounded(name: &str) -> &str {
    if u16::try_from(name.len()).is_ok() { name } else { "" }
}
