//! Commands and their arguments.

use std::time::Duration;

use redis::Cmd;

use crate::rt::random::random_stamp;

/// The TTL of a stamp that is not extended: two years, twice the longest TTL of an entry.
pub(super) const STAMP_TTL_MS: u64 = 63_072_000_000;
/// A hundred years: longer than any useful TTL, and well within the range of the clock of Redis.
const LONGEST_MS: u64 = 3_155_760_000_000;

/// Returns a command in a buffer of its exact size: growing takes the lock of the allocator, which all threads share.
pub(super) fn command<'a>(name: &str, args: impl Iterator<Item = &'a str> + Clone) -> Cmd {
    let (mut count, mut len) = (1, name.len());
    for arg in args.clone() {
        (count, len) = (count + 1, len + arg.len());
    }
    let mut command = Cmd::with_capacity(count, len);
    command.arg(name);
    for arg in args {
        command.arg(arg);
    }
    command
}

/// Returns the length of a prefix as envelopes have it.
pub(super) fn length(prefix_len: usize) -> [u8; 2] {
    (prefix_len as u16).to_le_bytes()
}

/// Returns stamps for labels that may have none.
pub(super) fn new_stamps(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| random_stamp().to_vec()).collect()
}

/// Returns a TTL in whole milliseconds, at least one: Redis refuses zero.
pub(super) fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}
