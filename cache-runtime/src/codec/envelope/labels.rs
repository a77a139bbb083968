//! The labels in an envelope: the stamps that they had when the computation began, and the names of the tags.

use crate::types::key::{Label, Labels};
use crate::types::stamp::Stamp;

const STAMP_LEN: usize = size_of::<Stamp>();

/// The labels of an entry and the stamps that they had when its computation began, in the same order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StampedLabels<'a> {
    pub(crate) labels: Labels<'a>,
    pub(crate) stamps: &'a [Stamp],
}

/// The stamps and names of the tags in an envelope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredTags<'a> {
    stamps: &'a [u8],
    names: &'a [u8],
}

impl StampedLabels<'_> {
    /// Returns the stamp of the group, for an entry in one.
    pub(super) fn group(self) -> Option<Stamp> {
        self.labels.group.and(self.stamps.first().copied())
    }

    /// Appends stamps and names of the tags to `out`; returns the number of tags, which is at most 255.
    pub(super) fn write_tags(self, out: &mut Vec<u8>) -> usize {
        debug_assert_eq!(self.labels.len(), self.stamps.len());
        let first = usize::from(self.labels.group.is_some());
        let stamps = self.stamps.get(first..).unwrap_or_default();
        out.extend_from_slice(stamps.as_flattened());
        out.extend_from_slice(&tag_names(self.labels.tags));
        self.labels.tags.len()
    }
}

impl<'a> StoredTags<'a> {
    /// Splits `body` into the part with `count` tags and the rest.
    #[inline]
    pub(super) fn split(count: usize, body: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (stamps, rest) = body.split_at_checked(count * STAMP_LEN)?;
        let mut left = rest;
        for _ in 0..count {
            left = take_name(left)?.1;
        }
        let names = &rest[..rest.len() - left.len()];
        Some((Self { stamps, names }, left))
    }

    /// Returns the stamps, in the order of the names.
    pub(crate) fn stamps(self) -> impl Iterator<Item = &'a [u8]> {
        self.stamps.chunks_exact(STAMP_LEN)
    }

    /// Returns the names.
    pub(crate) fn names(self) -> impl Iterator<Item = &'a str> {
        let mut left = self.names;
        std::iter::from_fn(move || {
            let (name, rest) = take_name(left)?;
            left = rest;
            Some(std::str::from_utf8(name).unwrap_or_default())
        })
    }
}

/// Returns the names of tags as an envelope holds them. Names are bounded, so their lengths fit into two bytes.
pub(crate) fn tag_names(tags: &[Label]) -> Vec<u8> {
    let mut out = Vec::new();
    for tag in tags {
        let name = tag.tag_name().as_bytes();
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name);
    }
    out
}

#[inline]
fn take_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))
}
