//! The sample values, and the limits of a pass.

/// The depth below which sequences are empty and options are `None`, so that recursive types end.
pub(super) const EMPTY_DEPTH: usize = 12;
/// The depth at which the recording ends: the type cannot be finite without a sequence, an option or a variant.
pub(super) const MAX_DEPTH: usize = 2 * EMPTY_DEPTH;
/// The number of requests after which sequences are empty and options are `None`, so that wide recursive types end.
/// After twice as many the recording ends.
pub(super) const MAX_REQUESTS: usize = 1024;
/// The largest number of passes over the variants of enums, and of attempts with other texts in each pass.
pub(super) const MAX_PASSES: usize = 64;

/// The sample texts, in the order in which they are tried.
pub(super) const TEXTS: [&str; 10] = [
    "a",
    "1",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "http://a.b/",
    "127.0.0.1:1",
    "127.0.0.1",
    "00000000-0000-0000-0000-000000000001",
];
/// The sample byte strings: identifiers of 16 bytes are the most common type that rejects other lengths.
pub(super) const BLOBS: [&[u8]; 2] = [&[], &[1; 16]];
