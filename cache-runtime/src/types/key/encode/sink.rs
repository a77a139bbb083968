//! The target of the encoding.

use super::error::EncodeError;

/// The largest encoding that is compared as it is; a longer one is hashed.
pub(super) const INLINE: usize = 96;

/// In place of a length: see `rest`. Longer than any encoding in place, so that every access to the bytes finds that out by the
/// bounds check that it has anyway.
const OUTGROWN: u8 = u8::MAX;

/// The target of an encoding: bytes in place while they are few, a hash when they are not.
pub(super) struct Sink {
    /// The encoding so far, then zeros.
    bytes: [u8; INLINE],
    /// The length of the encoding, or `OUTGROWN`.
    len: u8,
    /// Boxed, because every call makes room for it.
    rest: Option<Box<Rest>>,
}

/// The encoding, where `bytes` are not it.
#[expect(clippy::large_enum_variant, reason = "it is boxed as a whole, and failures are rare")]
enum Rest {
    /// The hash of an encoding that does not fit.
    Hashing(blake3::Hasher),
    /// There is none.
    Failed(EncodeError),
}

impl Sink {
    #[inline]
    pub(super) fn new() -> Self {
        Self { bytes: [0; INLINE], len: 0, rest: None }
    }

    /// Appends these bytes.
    #[inline]
    pub(super) fn put(&mut self, more: &[u8]) {
        let start = usize::from(self.len);
        let end = start + more.len();
        match self.bytes.get_mut(start..end) {
            Some(room) => {
                room.copy_from_slice(more);
                // `end` is at most `INLINE`, which fits.
                self.len = end as u8;
            }
            None => self.stream(more),
        }
    }

    /// Appends the first `used` bytes of a number in little-endian order, of which the rest is zeros. Copies all of them where
    /// there is room: a copy of constant length is a few moves, any other is a call.
    #[inline]
    fn put_start(&mut self, piece: u128, used: usize) {
        let start = usize::from(self.len);
        match self.bytes[start.min(INLINE)..].first_chunk_mut() {
            Some(room) => {
                *room = piece.to_le_bytes();
                // At most `INLINE`, as the piece fits.
                self.len = (start + used) as u8;
            }
            None => self.put_exactly(piece, used),
        }
    }

    /// [`Sink::put_start`] where the zeros do not fit.
    #[cold]
    fn put_exactly(&mut self, piece: u128, used: usize) {
        self.put(&piece.to_le_bytes()[..used]);
    }

    /// Appends bytes that do not fit in place.
    #[cold]
    fn stream(&mut self, more: &[u8]) {
        let Self { bytes, len, rest } = self;
        let rest = rest.get_or_insert_with(|| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&bytes[..usize::from(*len)]);
            Box::new(Rest::Hashing(hasher))
        });
        if let Rest::Hashing(hasher) = &mut **rest {
            hasher.update(more);
        }
        *len = OUTGROWN;
    }

    /// Gives the encoding up. What is appended from now on counts for nothing, and the first error stays.
    #[cold]
    pub(super) fn fail(&mut self, error: EncodeError) {
        if self.error().is_none() {
            self.rest = Some(Box::new(Rest::Failed(error)));
            self.len = OUTGROWN;
        }
    }

    /// Returns the error for which the encoding was given up.
    pub(super) fn error(&self) -> Option<&EncodeError> {
        match self.rest.as_deref()? {
            Rest::Hashing(_) => None,
            Rest::Failed(error) => Some(error),
        }
    }

    /// Returns the encoding, with and without the zeros behind it, unless it is hashed or was given up.
    #[inline]
    pub(super) fn padded(&self) -> Option<(&[u8; INLINE], &[u8])> {
        Some((&self.bytes, self.bytes.get(..usize::from(self.len))?))
    }

    /// Appends a length: seven bits a byte, low ones first, with the high bit set while more bytes follow.
    #[inline]
    pub(super) fn length(&mut self, mut n: usize) {
        let mut bytes = [0; 10];
        let mut used = 0;
        for byte in &mut bytes {
            *byte = (n & 0x7f) as u8;
            n >>= 7;
            used += 1;
            if n == 0 {
                break;
            }
            *byte |= 0x80;
        }
        self.put(&bytes[..used]);
    }

    /// Appends bytes behind their length.
    #[inline]
    pub(super) fn blob(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.put(bytes);
    }

    /// Appends markers, a length byte and the magnitude without leading zeros, in one piece: most arguments are integers.
    #[inline]
    pub(super) fn magnitude<const MARKERS: usize>(&mut self, markers: &[u8; MARKERS], n: u128) {
        if let Ok(n) = u64::try_from(n) {
            return self.small_magnitude(markers, n);
        }
        let len = 16 - (n.leading_zeros() / 8) as usize;
        // Moves the significant bytes to the front; a shift by all 128 bits is a zero as well.
        let head = n.checked_shl(8 * (16 - len) as u32).unwrap_or(0).to_be_bytes();
        let mut piece = [0; 20];
        piece[..MARKERS].copy_from_slice(markers);
        piece[MARKERS] = len as u8;
        piece[MARKERS + 1..MARKERS + 17].copy_from_slice(&head);
        self.put(&piece[..MARKERS + 1 + len]);
    }

    /// [`Sink::magnitude`] for 64 bits, which almost all integers fit, in half the steps. The piece is put together as one
    /// number, because bytes that are written singly and read as one wait for each other.
    #[inline]
    fn small_magnitude<const MARKERS: usize>(&mut self, markers: &[u8; MARKERS], n: u64) {
        let len = 8 - (n.leading_zeros() / 8) as usize;
        // By no bits for a zero, which stays one.
        let head = n.wrapping_shl(8 * (8 - len) as u32).swap_bytes();
        let mut start = [0; 8];
        start[..MARKERS].copy_from_slice(markers);
        start[MARKERS] = len as u8;
        let piece = u128::from(u64::from_le_bytes(start)) | u128::from(head) << (8 * (MARKERS + 1));
        self.put_start(piece, MARKERS + 1 + len);
    }

    /// Appends elements without an order: their number, then their hashes, sorted. Duplicates count.
    pub(super) fn unordered(&mut self, mut hashes: Vec<[u8; 32]>) {
        hashes.sort_unstable();
        self.length(hashes.len());
        for hash in &hashes {
            self.put(hash);
        }
    }

    /// Returns a hash of the encoding, which is the same whether the encoding is in place or not.
    pub(super) fn hash(&self) -> [u8; 32] {
        match self.rest.as_deref() {
            Some(Rest::Hashing(hasher)) => *hasher.finalize().as_bytes(),
            _ => *blake3::hash(self.padded().map_or(&[], |(_, bytes)| bytes)).as_bytes(),
        }
    }
}
