//! The scripts: the rules of `ledger` in Redis, by its own clock. Their texts never change.
//!
//! A record is a hash: `@began`, `@end` and `@seen` in microseconds since 1970, `@user` and `@stamp` of a signed-in one, `@next` alone of one that
//! was renamed, and the values, whose names begin with a dot. Times in `ARGV` are microseconds. All keys of a script are in one slot.

use std::sync::LazyLock;

use super::record::{FieldChanges, ListedTimes, SessionFields, SessionSpan, StoredSession};
use super::session_id::RecordPlace;
use crate::store::Script;

/// The clock, numbers without exponents, the life of a record, and the stamp of a user.
const COMMON: &str = r"local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function millis(time) return text(math.max(math.ceil(time / 1000), 1)) end
local function stamp(key, is_new, keep)
  local held = tonumber(redis.call('GET', key) or '')
  local number = held or now
  if is_new and held then number = math.max(now, held + 1) end
  local left = math.max(redis.call('PTTL', key) * 1000, keep)
  if number ~= held then redis.call('SET', key, text(number), 'PX', millis(left))
  else redis.call('PEXPIRE', key, millis(left)) end
  return text(number)
end
";

/// Loads `KEYS[1]` with the stamp `KEYS[2]`: `ARGV` are the idle time and the step. Returns 0; 1, the user, the beginning, the end and the values; or 2 and the
/// place of a renamed session.
pub(super) static LOAD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then return {'0'} end
local meta, answer = {}, {'1', '', '0', '0'}
for i = 1, #flat, 2 do
  local name = flat[i]
  if string.sub(name, 1, 1) == '.' then
    answer[#answer + 1] = string.sub(name, 2)
    answer[#answer + 1] = flat[i + 1]
  else
    meta[name] = flat[i + 1]
  end
end
if meta['@next'] then return {'2', meta['@next']} end
answer[3], answer[4] = meta['@began'] or '0', meta['@end'] or '0'
local left = tonumber(answer[4]) - now
local is_over = left <= 0
if meta['@user'] then
  is_over = is_over or redis.call('GET', KEYS[2]) ~= meta['@stamp']
  answer[2] = '=' .. meta['@user']
end
if is_over then
  redis.call('UNLINK', KEYS[1])
  return {'0'}
end
local idle, step = tonumber(ARGV[1]), tonumber(ARGV[2])
local life = math.min(idle, left)
if life - redis.call('PTTL', KEYS[1]) * 1000 >= step then
  redis.call('HSET', KEYS[1], '@seen', text(now))
  redis.call('PEXPIRE', KEYS[1], millis(life))
end
return answer",
    ])
});

/// Changes `KEYS[1]` if it is a record: `ARGV` are the idle time, the number of values, their names and values, and the names of those
/// that are removed. Returns 1 if it was one.
pub(super) static SAVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local ends = tonumber(redis.call('HGET', KEYS[1], '@end') or '')
if not ends or ends <= now then return 0 end
local count = tonumber(ARGV[2])
for i = 3, 2 + 2 * count, 2 do redis.call('HSET', KEYS[1], '.' .. ARGV[i], ARGV[i + 1]) end
for i = 3 + 2 * count, #ARGV do redis.call('HDEL', KEYS[1], '.' .. ARGV[i]) end
redis.call('HSET', KEYS[1], '@seen', text(now))
redis.call('PEXPIRE', KEYS[1], millis(math.min(tonumber(ARGV[1]), ends - now)))
return 1",
    ])
});

/// Creates `KEYS[1]` with the stamp `KEYS[2]` and the list `KEYS[3]`: `ARGV` are the idle and the absolute time, the hash of the record,
/// the user with a sign before it or nothing, the beginning and the end or zeros for a new session, and names and values.
pub(super) static CREATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"local idle, absolute, user = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4]
local began, last = tonumber(ARGV[5]), tonumber(ARGV[6])
if last == 0 then began, last = now, now + absolute end
local ends = text(last)
local record = {'@began', text(began), '@end', ends, '@seen', text(now)}
if user ~= '' then
  local of = stamp(KEYS[2], false, 2 * absolute)
  for _, part in ipairs({'@user', string.sub(user, 2), '@stamp', of}) do record[#record + 1] = part end
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', text(now))
  redis.call('ZADD', KEYS[3], ends, ARGV[3])
  redis.call('PEXPIRE', KEYS[3], millis(2 * absolute))
end
for i = 7, #ARGV, 2 do
  record[#record + 1] = '.' .. ARGV[i]
  record[#record + 1] = ARGV[i + 1]
end
for i = 1, #record, 1000 do redis.call('HSET', KEYS[1], unpack(record, i, math.min(i + 999, #record))) end
redis.call('PEXPIRE', KEYS[1], millis(math.min(idle, last - now)))
return 1",
    ])
});

/// Makes the record `KEYS[1]` lead to the place `ARGV[1]` for `ARGV[2]`.
pub(super) static POINT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"if not redis.call('HGET', KEYS[1], '@end') then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], '@next', ARGV[1])
redis.call('PEXPIRE', KEYS[1], millis(tonumber(ARGV[2])))
return 1",
    ])
});

/// Removes the record `KEYS[1]` and its hash `ARGV[1]` from the list `KEYS[2]`.
pub(super) static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["redis.call('ZREM', KEYS[2], ARGV[1]) return redis.call('UNLINK', KEYS[1])"])
});

/// Returns the hashes of a user's records in the list `KEYS[1]`, the newest first, a thousand at most.
pub(super) static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
return redis.call('ZREVRANGE', KEYS[1], 0, 999)",
    ])
});

/// Returns when the record `KEYS[1]` began and was seen last, if its stamp is `KEYS[2]`.
pub(super) static TIMES: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local record = redis.call('HMGET', KEYS[1], '@began', '@seen', '@stamp')
if not record[1] or redis.call('GET', KEYS[2]) ~= record[3] then return {} end
return {tonumber(record[1]), tonumber(record[2])}"])
});

/// Makes a new stamp `KEYS[1]`, which is kept for `ARGV[1]`, and removes the list `KEYS[2]`.
pub(super) static REVOKE_ALL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COMMON,
        r"stamp(KEYS[1], true, tonumber(ARGV[1]))
return redis.call('UNLINK', KEYS[2])",
    ])
});

/// Decodes the reply of [`LOAD`].
pub(super) fn loaded(reply: Vec<String>) -> Option<StoredSession> {
    let mut parts = reply.into_iter();
    match parts.next()?.as_str() {
        "0" => Some(StoredSession::Nothing),
        "2" => Some(StoredSession::Moved(RecordPlace::read(&parts.next()?)?)),
        "1" => {
            let user = parts.next()?.strip_prefix('=').map(str::to_owned);
            let span = SessionSpan { began: parts.next()?.parse().ok()?, end: parts.next()?.parse().ok()? };
            let mut fields = SessionFields::new();
            while let Some(name) = parts.next() {
                fields.insert(name, parts.next()?);
            }
            Some(StoredSession::Record { user, span, fields })
        }
        _ => None,
    }
}

/// Returns the arguments of [`SAVE`] after the idle time.
pub(super) fn changes(changes: &FieldChanges) -> Vec<String> {
    let set = || changes.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    let mut arguments = vec![set().count().to_string()];
    arguments.extend(set().flat_map(|(name, value)| [name.clone(), value.clone()]));
    arguments.extend(changes.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.clone()));
    arguments
}

/// Decodes the reply of [`TIMES`].
pub(super) fn times(reply: &[u64]) -> Option<Option<ListedTimes>> {
    match reply {
        [] => Some(None),
        [began, seen] => Some(Some(ListedTimes { began: *began, seen: *seen })),
        _ => None,
    }
}
