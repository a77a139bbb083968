//! Tags: the part of an envelope that says under which labels its value was computed.

use crate::types::key::{Label, Labels};
use crate::types::stamp::Stamp;

const STAMP_LEN: usize = size_of::<Stamp>();

/// The labels of an entry and the stamps they had when its computation began, in the same order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Under<'a> {
    pub(crate) labels: Labels<'a>,
    pub(crate) stamps: &'a [Stamp],
}

/// Stamps and names of the tags in an envelope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tags<'a> {
    stamps: &'a [u8],
    names: &'a [u8],
}

impl Under<'_> {
    /// The stamp of the group, where there is one.
    pub(crate) fn group(self) -> Option<Stamp> {
        self.labels.group.and(self.stamps.first().copied())
    }

    /// The stamps of the tags.
    fn tags(&self) -> &[Stamp] {
        self.stamps.get(usize::from(self.labels.group.is_some())..).unwrap_or_default()
    }

    /// Writes stamps and names of the tags; answers how many there are, which is at most 255.
    pub(super) fn write(self, out: &mut Vec<u8>) -> usize {
        debug_assert_eq!(self.labels.len(), self.stamps.len());
        out.extend_from_slice(self.tags().as_flattened());
        out.extend_from_slice(&names(self.labels.tags));
        self.labels.tags.len()
    }
}

impl<'a> Tags<'a> {
    /// Splits off the part that belongs to so many tags.
    pub(super) fn split(count: usize, body: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (stamps, rest) = body.split_at_checked(count * STAMP_LEN)?;
        let mut left = rest;
        for _ in 0..count {
            left = take_name(left)?.1;
        }
        let names = &rest[..rest.len() - left.len()];
        Some((Self { stamps, names }, left))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.stamps.is_empty()
    }

    /// The stamps, in the order of the names.
    pub(crate) fn stamps(self) -> impl Iterator<Item = &'a [u8]> {
        self.stamps.chunks_exact(STAMP_LEN)
    }

    /// The names.
    pub(crate) fn names(self) -> impl Iterator<Item = &'a str> {
        let mut left = self.names;
        std::iter::from_fn(move || {
            let (name, rest) = take_name(left)?;
            left = rest;
            Some(std::str::from_utf8(name).unwrap_or_default())
        })
    }
}

/// The names of tags as an envelope has them. They are bounded, so that the lengths fit.
pub(crate) fn names(tags: &[Label]) -> Vec<u8> {
    let mut out = Vec::new();
    for tag in tags {
        let name = tag.tag_name().as_bytes();
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name);
    }
    out
}

fn take_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))
}
