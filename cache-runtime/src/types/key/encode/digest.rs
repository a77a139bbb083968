//! The salt of a function's digests, and the text of a digest.

/// The prefix of the bytes that are hashed into a salt. It separates them from those of any other use of the hash.
const CONTEXT: &[u8] = b"larder key 1";

/// Returns the salt of a function with this identity: digests of different functions differ.
pub(crate) fn salt(identity: &str, version: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTEXT);
    hasher.update(&(identity.len() as u64).to_le_bytes());
    hasher.update(identity.as_bytes());
    hasher.update(&version.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// Returns the lower-case hexadecimal digits of a digest, as keys contain them.
pub(crate) fn hex(digest: &[u8; 16]) -> [u8; 32] {
    // Without a table, so that the compiler makes many digits at once.
    let digit = |half: u8| half + b'0' + if half > 9 { b'a' - b'9' - 1 } else { 0 };
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 15);
    }
    text
}
