//! The scripts: the rules of `ledger` in Redis, by its own clock. Their texts never change.
//!
//! Numbers of generations are microseconds since 1970, below 2^53. All keys of a script have the hash of the user in braces.

use std::sync::LazyLock;

use super::ledger::{Rotated, TokenState};
use crate::store::Script;

/// The clock, a number without an exponent, and the generation of a user, which is kept for so many milliseconds at least.
const COMMON: &str = r"local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function generation(key, is_new, keep)
  local held = tonumber(redis.call('GET', key) or '')
  local number = held or now
  if is_new and held then number = math.max(now, held + 1) end
  local left = redis.call('PTTL', key)
  if number ~= held then
    redis.call('SET', key, text(number), 'PX', text(math.max(keep, left)))
  elseif left < keep then
    redis.call('PEXPIRE', key, text(keep))
  end
  return number
end
";

/// Revokes the token `KEYS[1]` until `ARGV[1]`, in milliseconds since 1970. An earlier moment shortens nothing.
pub(super) static REVOKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local left = tonumber(ARGV[1]) - math.floor(now / 1000)
if left > 0 and left > redis.call('PTTL', KEYS[1]) then redis.call('SET', KEYS[1], '1', 'PX', text(left)) end
return left",
    ])
});

/// Returns the generation `KEYS[1]`, a new one if `ARGV[1]` is `new`. It is kept for `ARGV[2]` milliseconds.
pub(super) static GENERATION: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[COMMON, "return generation(KEYS[1], ARGV[1] == 'new', tonumber(ARGV[2]))"])
});

/// Begins the family `KEYS[1]` of the user `ARGV[1]` with the generation `KEYS[2]`, for `ARGV[2]` milliseconds. Returns the number.
pub(super) static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local keep = tonumber(ARGV[2])
local number = text(generation(KEYS[2], false, keep))
redis.call('HSET', KEYS[1], 'number', 1, 'rotated', 0, 'generation', number, 'user', ARGV[1])
redis.call('PEXPIRE', KEYS[1], text(keep))
return 1",
    ])
});

/// Rotates the family `KEYS[1]` with the generation `KEYS[2]`: `ARGV[1]` is the number of the token, `ARGV[2]` the grace in
/// microseconds. Returns 0 unknown, 1 rotated or 2 reused, the current number, and the user.
pub(super) static ROTATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local family = redis.call('HMGET', KEYS[1], 'number', 'rotated', 'generation', 'user')
if not family[1] then return {0, 0, ''} end
if redis.call('GET', KEYS[2]) ~= family[3] then
  redis.call('UNLINK', KEYS[1])
  return {0, 0, ''}
end
local number, current = tonumber(ARGV[1]), tonumber(family[1])
if number == current then
  current = current + 1
  redis.call('HSET', KEYS[1], 'number', current, 'rotated', text(now))
elseif number + 1 ~= current or now >= family[2] + tonumber(ARGV[2]) then
  redis.call('UNLINK', KEYS[1])
  return {2, 0, ''}
end
return {1, current, family[4]}",
    ])
});

/// Ends the family `KEYS[1]`.
pub(super) static END: LazyLock<Script> =
    LazyLock::new(|| Script::new(&["return redis.call('UNLINK', KEYS[1])"]));

/// Decodes the strings of a token and of its user's generation; `None` for what the scripts do not write.
pub(super) fn state(strings: &[Option<String>]) -> Option<TokenState> {
    let [revoked, generation] = strings else { return None };
    let generation = generation.as_deref().map(str::parse).transpose().ok()?;
    Some(TokenState { is_revoked: revoked.is_some(), generation })
}

/// Decodes a number that a script returned.
pub(super) fn number(reply: i64) -> Option<u64> {
    u64::try_from(reply).ok()
}

/// Decodes the reply of [`ROTATE`].
pub(super) fn rotated((code, current, user): (u8, u64, String)) -> Option<Rotated> {
    match code {
        0 => Some(Rotated::Unknown),
        1 => Some(Rotated::Current(current, user)),
        2 => Some(Rotated::Reused),
        _ => None,
    }
}
