//! The scripts: operations that are atomic in Redis. Each touches one entry and its labels, and its text never changes.
//!
//! Offsets are those of the envelope, from one as Lua counts: flags 7, lease token 81..96, until 97..104.

use std::sync::LazyLock;

use crate::store::redis::connect::Script;

/// Takes a lease on the entry `KEYS[1]` with the labels `KEYS[2..]`.
///
/// A value under a label's key that is not a stamp, a string of 16 bytes, is replaced.
///
/// `ARGV`: 1 token, 2 duration of the lease (ms), 3 mode, 4 head that the caller read, 5 vacant header, 6 `1` if the first
/// label is a group, 7 names of the tags as in the envelope, 8 TTL of a stamp (ms), 9 the time for which
/// no process waits after a result that was not cached (ms), 10.. stamps for labels without one.
/// Returns `{0, stamps..}` if granted, `{1, ms}` if held, `{2, ms}` if paused, `{3}` if the entry has changed, `{4, ms}` if
/// held after a result that was not cached.
///
/// A vacant record has in the place of the lease's end the moment until which such a result matters; without a token, it
/// matters for as long as the record is there.
pub(super) static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local slot, token, hold, mode, seen = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local answer, group, tags, nobody = {0}, string.rep('\0', 16), {}, string.rep('\0', 8)
for i = 2, #KEYS do
  local stamp = redis.pcall('GET', KEYS[i])
  if type(stamp) ~= 'string' or #stamp ~= 16 then
    stamp = ARGV[i + 8]
    redis.call('SET', KEYS[i], stamp, 'PX', ARGV[8])
  end
  answer[i] = stamp
  if i == 2 and ARGV[6] == '1' then group = stamp else tags[#tags + 1] = stamp end
end
tags = table.concat(tags)
local head = redis.pcall('GETRANGE', slot, 0, 103)
if type(head) ~= 'string' then
  redis.call('UNLINK', slot)
  head = ''
end
local ours = #head == 104 and string.sub(head, 1, 4) == string.sub(ARGV[5], 1, 4)
local vacant = ours and bit.band(string.byte(head, 7), 2) ~= 0
local current = string.sub(head, 57, 72) == group
  and (tags == '' or redis.call('GETRANGE', slot, 104, 103 + #tags) == tags)
local uncached = 0
if mode == 'put' then
  -- Any entry or lease ends.
elseif vacant then
  -- Nothing to refresh.
  if mode == 'refresh' then return {3} end
  local holder, left, time = string.sub(head, 81, 88), redis.call('PTTL', slot), redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  -- A record with a longer TTL cannot be a lease.
  if current and left >= 0 and left <= 2 * hold then
    uncached = holder == nobody and now + left or struct.unpack('<I8', string.sub(head, 97, 104))
    if holder ~= nobody and holder ~= string.sub(token, 1, 8) and mode ~= 'force' then
      if uncached > now then return {4, uncached - now} end
      return {1, math.max(left, 1)}
    end
  end
elseif head == '' then
  if mode == 'refresh' then return {3} end
else
  if mode ~= 'force' and string.sub(head, 1, 80) ~= string.sub(seen, 1, 80) then return {3} end
  -- An invalidated entry is not refreshed: readers would not see the lease on it.
  if mode == 'refresh' and not current then return {3} end
  if ours and mode ~= 'miss' then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local left = struct.unpack('<I8', string.sub(head, 97, 104)) - now
    local holder = string.sub(head, 81, 88)
    if left > 0 and mode == 'refresh' then
      if holder == nobody then return {2, left} end
      if holder ~= string.sub(token, 1, 8) then return {1, left} end
    end
    redis.call('SETRANGE', slot, 80, token .. struct.pack('<I8', now + hold))
    return answer
  end
end
if ARGV[9] ~= '0' then
  local time = redis.call('TIME')
  uncached = math.max(uncached, time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[9]))
end
local record = string.sub(ARGV[5], 1, 56) .. group .. string.sub(ARGV[5], 73, 80) .. token
  .. struct.pack('<I8', uncached) .. tags .. ARGV[7]
redis.call('SET', slot, record, 'PX', hold)
return answer",
    )
});

/// Extends the lease `ARGV[1]` on `KEYS[1]` to `ARGV[2]` ms from now, if it is still held.
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local head = redis.pcall('GETRANGE', KEYS[1], 0, 103)
if type(head) ~= 'string' or string.sub(head, 81, 96) ~= ARGV[1] then return 0 end
if bit.band(string.byte(head, 7), 2) ~= 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('SETRANGE', KEYS[1], 96, struct.pack('<I8', now + tonumber(ARGV[2])))
end
return 1",
    )
});

/// Releases the lease `ARGV[1]` on `KEYS[1]`, if it is still held. An entry stays, and for `ARGV[2]` ms no process can lease
/// it for a refresh. In place of an entry, a record without a token stays for as long.
pub(super) static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local head = redis.pcall('GETRANGE', KEYS[1], 0, 103)
if type(head) ~= 'string' or string.sub(head, 81, 96) ~= ARGV[1] then return 0 end
local pause = tonumber(ARGV[2])
if bit.band(string.byte(head, 7), 2) ~= 0 then
  if pause == 0 then return redis.call('UNLINK', KEYS[1]) end
  redis.call('SETRANGE', KEYS[1], 80, string.rep('\0', 24))
  return redis.call('PEXPIRE', KEYS[1], pause)
end
if pause > 0 then
  local time = redis.call('TIME')
  pause = pause + time[1] * 1000 + math.floor(time[2] / 1000)
end
redis.call('SETRANGE', KEYS[1], 80, string.rep('\0', 16) .. struct.pack('<I8', pause))
return 1",
    )
});

/// Stores the entry `KEYS[1]` = `ARGV[2]` for `ARGV[3]` ms (0: without expiry) if `KEYS[1]` has the lease `ARGV[1]` (empty:
/// unconditionally) and the labels `KEYS[2..]` still have the stamps `ARGV[4..]`. The TTLs of the stamps are extended: an
/// entry is invalid without them.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if ARGV[1] ~= '' and redis.pcall('GETRANGE', KEYS[1], 80, 95) ~= ARGV[1] then return 0 end
for i = 2, #KEYS do
  if redis.pcall('GET', KEYS[i]) ~= ARGV[i + 2] then return 0 end
end
local px = tonumber(ARGV[3])
if px == 0 then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
for i = 2, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  if px == 0 then
    if left >= 0 then redis.call('PERSIST', KEYS[i]) end
  elseif left >= 0 and left < 2 * px then
    redis.call('PEXPIRE', KEYS[i], string.format('%.0f', 2 * px))
  end
end
return 1",
    )
});

/// Replaces the entry `KEYS[1]` whose head is `ARGV[1]` by `ARGV[2]`, and keeps its TTL.
pub(super) static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if redis.pcall('GETRANGE', KEYS[1], 0, 103) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1",
    )
});

/// Returns the `PTTL` of the entry `KEYS[1]` and the number of its tags; a lease is not an entry. `ARGV[1]` is the beginning
/// of every envelope.
pub(super) static TTL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local head, tags = redis.pcall('GETRANGE', KEYS[1], 0, 7), 0
if type(head) == 'string' and #head == 8 and string.sub(head, 1, 4) == ARGV[1] then
  if bit.band(string.byte(head, 7), 2) ~= 0 then return {-2, 0} end
  tags = string.byte(head, 8)
end
return {redis.call('PTTL', KEYS[1]), tags}",
    )
});

/// Removes those of the entries `KEYS[2..]` that do not have the stamp of the group `KEYS[1]`. `ARGV`: magic, and the
/// offset of the stamp. Values that are not entries stay.
pub(super) static RECLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local stamp = redis.pcall('GET', KEYS[1])
local from = tonumber(ARGV[2])
local removed = 0
for i = 2, #KEYS do
  if redis.pcall('GETRANGE', KEYS[i], 0, #ARGV[1] - 1) == ARGV[1]
    and redis.pcall('GETRANGE', KEYS[i], from, from + 15) ~= stamp then
    removed = removed + redis.call('UNLINK', KEYS[i])
  end
end
return removed",
    )
});

/// Removes `KEYS[1]` if it is an entry: if its value begins with the magic `ARGV[1]` and continues with small numbers, where
/// a text with the same beginning has letters.
pub(super) static DELETE_OURS: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] + 3)
if type(head) == 'string' and string.find(head, '^' .. ARGV[1] .. '%c%c%c%c') then return redis.call('UNLINK', KEYS[1]) end
return 0",
    )
});
