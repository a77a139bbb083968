//! The target of the encoding.

/// The largest encoding that is compared as it is; a longer one is hashed.
pub(super) const INLINE: usize = 96;

/// The target of an encoding: bytes in place while they are few, a hash when they are not.
pub(super) enum Sink {
    /// The encoding so far.
    Inline { bytes: [u8; INLINE], len: u8 },
    /// The hash of the encoding so far.
    Hashing(Box<blake3::Hasher>),
}

impl Sink {
    #[inline]
    pub(super) fn new() -> Self {
        Self::Inline { bytes: [0; INLINE], len: 0 }
    }

    /// Appends these bytes.
    #[inline]
    pub(super) fn put(&mut self, more: &[u8]) {
        if let Self::Inline { bytes, len } = self {
            let start = usize::from(*len);
            let end = start + more.len();
            if let Some(room) = bytes.get_mut(start..end) {
                room.copy_from_slice(more);
                // `end` is at most `INLINE`, which fits.
                *len = end as u8;
                return;
            }
        }
        self.stream(more);
    }

    /// Appends the first `used` bytes of `piece`, of which the rest is zeros. Copies the whole piece where there is room:
    /// a copy of constant length is a few moves, any other is a call.
    #[inline]
    fn put_start<const N: usize>(&mut self, piece: &[u8; N], used: usize) {
        if let Self::Inline { bytes, len } = self {
            let start = usize::from(*len);
            if let Some(room) = bytes[start.min(INLINE)..].first_chunk_mut() {
                *room = *piece;
                // At most `INLINE`, as the piece fits.
                *len = (start + used) as u8;
                return;
            }
        }
        self.put(&piece[..used]);
    }

    /// Appends bytes that do not fit in place.
    #[cold]
    fn stream(&mut self, more: &[u8]) {
        match self {
            Self::Inline { bytes, len } => {
                let mut hasher = Box::new(blake3::Hasher::new());
                hasher.update(&bytes[..usize::from(*len)]);
                hasher.update(more);
                *self = Self::Hashing(hasher);
            }
            Self::Hashing(hasher) => {
                hasher.update(more);
            }
        }
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

    /// [`Sink::magnitude`] for 64 bits, which almost all integers fit, in half the steps.
    #[inline]
    fn small_magnitude<const MARKERS: usize>(&mut self, markers: &[u8; MARKERS], n: u64) {
        let len = 8 - (n.leading_zeros() / 8) as usize;
        let head = n.checked_shl(8 * (8 - len) as u32).unwrap_or(0).to_be_bytes();
        let mut piece = [0; 11];
        piece[..MARKERS].copy_from_slice(markers);
        piece[MARKERS] = len as u8;
        piece[MARKERS + 1..MARKERS + 9].copy_from_slice(&head);
        self.put_start(&piece, MARKERS + 1 + len);
    }

    /// Appends elements without an order: their number, then their hashes, sorted. Duplicates count.
    pub(super) fn unordered(&mut self, mut hashes: Vec<[u8; 32]>) {
        hashes.sort_unstable();
        self.length(hashes.len());
        for hash in &hashes {
            self.put(hash);
        }
    }

    /// Returns a hash of the encoding, which is the same for both variants.
    pub(super) fn hash(&self) -> [u8; 32] {
        match self {
            Self::Inline { bytes, len } => *blake3::hash(&bytes[..usize::from(*len)]).as_bytes(),
            Self::Hashing(hasher) => *hasher.finalize().as_bytes(),
        }
    }
}
