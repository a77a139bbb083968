//! Random stamps and numbers.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use crate::types::stamp::Stamp;

/// Returns a stamp that no process has used before.
///
/// BLAKE3 hashes a counter with a key that is random for the process: `RandomState`, which std seeds from the operating
/// system, the process id and the time. Stamps must be unique, not secret.
pub(crate) fn random_stamp() -> Stamp {
    static SEED: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        for salt in 0..4_u8 {
            hasher.update(&RandomState::new().hash_one(salt).to_le_bytes());
        }
        hasher.update(&process::id().to_le_bytes());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        hasher.update(&now.as_nanos().to_le_bytes());
        *hasher.finalize().as_bytes()
    });
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let hash = blake3::keyed_hash(&SEED, &COUNTER.fetch_add(1, Relaxed).to_le_bytes());
    let mut stamp = Stamp::default();
    stamp.copy_from_slice(&hash.as_bytes()[..16]);
    stamp
}

/// Returns a uniform random number in 0..1 000 000.
pub(crate) fn chance() -> u32 {
    let [a, b, c, d, ..] = random_stamp();
    u32::from_le_bytes([a, b, c, d]) % 1_000_000
}

#[cfg(test)]
mod tests {
    #[test]
    fn stamps_differ() {
        let stamps: std::collections::HashSet<_> = (0..1000).map(|_| super::random_stamp()).collect();
        assert_eq!(stamps.len(), 1000);
    }
}
