//! The envelope round every stored value: everything that decides whether the bytes can be used.
//!
//! ```text
//!  0  "ldr"                     8  created, ms          80  late tags: number, epoch
//!  3  format version           16  soft expiry, ms      96  length of the prefix, 2 bytes
//!  4  stored form              24  hard expiry, ms      98  length of the function's name, 2 bytes
//!  5  compression              32  key hash            100  number of late tags, 1 byte
//!  6  flags                    48  type fingerprint    104  length of the raw payload
//!  7  number of tags           56  group stamp         108  CRC-32 of all other bytes but the leases
//!                              72  identity hash       112  lease: token, 16 bytes; until, ms
//!                                                      136  put lease: token, 16 bytes
//! 152  tag stamps, 16 bytes each; tag names: length, 2 bytes, and text; name of the function; payload
//! ```
//!
//! Numbers are little-endian, times are Unix time. Redis writes the leases into the stored bytes. An envelope that holds no
//! value is *vacant*. Bytes that are not consistent are not an envelope. The magic, the version and the length of the prefix
//! have their places in every later version, too: a process knows the entries of its prefix whatever version wrote them. Late
//! tags, which the value named, are the last of the tags; the number and the epoch are those of the count of tag invalidations
//! at which the computation began.

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
pub(crate) use self::layout::{HEADER_LEN, PREFIX_OFFSET};
#[cfg(any(feature = "redis", test))]
pub(crate) use self::lease::vacant;
pub(crate) use self::{
    header::Header,
    labels::StampedLabels,
    layout::NEVER,
    lease::{has_put, head, holder, is_vacant},
    open::{Envelope, has_other_version, open, parse, raw_len},
    seal::{seal, with_late_tags, with_soft_expiry},
};
#[cfg(feature = "redis")]
pub(crate) use self::{
    labels::tag_names,
    layout::{MAGIC, MARK, STAMP_OFFSET},
    seal::with_put,
};
