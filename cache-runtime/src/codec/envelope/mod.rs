//! The envelope round every stored value: everything that decides whether the bytes can be used.
//!
//! ```text
//!  0  "ldr"                     8  created, ms       56  group stamp, 16 bytes
//!  3  format version           16  soft expiry, ms   72  length of the raw payload
//!  4  stored form              24  hard expiry, ms   76  CRC-32 of all other bytes but the lease
//!  5  compression              32  key hash          80  lease: token, 16 bytes; until, ms
//!  6  flags                    48  type fingerprint 104  tag stamps, 16 bytes each
//!  7  number of tags                                  .  tag names: length, 2 bytes, and text; payload
//! ```
//!
//! Numbers are little-endian, times are Unix time. Redis writes the lease into the stored bytes. An envelope that holds a
//! lease and no value is *vacant*. Bytes that are not consistent are not an envelope.

mod header;
mod key_hash;
mod labels;
mod layout;
mod lease;
mod open;
mod seal;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::layout::HEADER_LEN;
#[cfg(any(feature = "redis", test))]
pub(crate) use self::lease::vacant;
pub(crate) use self::{
    header::Header,
    labels::StampedLabels,
    layout::NEVER,
    lease::{head, holder, is_vacant},
    open::{Envelope, has_other_version, open, parse, raw_len},
    seal::{seal, with_soft_expiry},
};
#[cfg(feature = "redis")]
pub(crate) use self::{
    labels::tag_names,
    layout::{MAGIC, MARK, STAMP_OFFSET},
};
