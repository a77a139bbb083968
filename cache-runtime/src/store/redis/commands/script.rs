//! The scripts: operations that are atomic in Redis. Their texts never change.
//!
//! Offsets are those of the envelope, from one as Lua counts: flags 7, number of tags 8, group stamp 57..72, length of the prefix 97..98, length of
//! the function's name 99..100, lease
//! token 113..128, until 129..136, put lease 137..152.

use std::sync::LazyLock;

use crate::store::redis::connect::Script;

/// Extends the TTL of a stamp to outlive an entry with this TTL.
const OUTLIVE: &str = r"local function outlive(label, px)
  local left = redis.call('PTTL', label)
  if px == 0 then
    if left >= 0 then redis.call('PERSIST', label) end
  elseif left >= 0 and left < 2 * px then
    redis.call('PEXPIRE', label, string.format('%.0f', 2 * px))
  end
end
";

/// Returns the stamp of a label, or what else is under its key.
const STAMP: &str = r"local function stamp(label)
  local value = redis.pcall('GET', label)
  if type(value) == 'string' and #value == 32 then return string.sub(value, 1, 16) end
  return value
end
";

/// Takes a lease on the entry `KEYS[1]` with the labels `KEYS[2..]`, and with further labels whose stamps, in other slots, the
/// caller has noted.
///
/// A value under a label's key that is not a stamp, a string of 16 bytes, or of 32 with the count of a tag, is replaced. A noted stamp may be older than that of
/// a lease in the slot; such a lease is taken only from a holder that the caller has seen, so before it noted the stamp.
///
/// `ARGV`: 1 token, 2 duration of the lease (ms), 3 mode, 4 head that the caller read, 5 vacant header, 6 `1` if the first
/// label is a group, 7 names of the tags as in the envelope, 8 TTL of a stamp (ms), 9 the time for which
/// no process waits after a result that was not cached (ms), 10.. a stamp for each label: for one without a stamp, then those
/// noted.
/// Returns `{0, stamps..}` if granted, `{1, ms}` if held, `{2, ms}` if paused, `{3}` if the entry has changed, `{4, ms}` if
/// held after a result that was not cached.
///
/// A vacant record has in the place of the lease's end the moment until which such a result matters; without any token, it
/// matters for as long as the record is there.
pub(super) static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        r"local slot, token, hold, mode, seen = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local none, nobody = string.rep('\0', 16), string.rep('\0', 8)
local answer, group, tags = {0}, none, {}
for i = 2, #ARGV - 8 do
  local stamp = ARGV[i + 8]
  if KEYS[i] then
    local current = redis.pcall('GET', KEYS[i])
    if type(current) == 'string' and (#current == 16 or #current == 32) then
      stamp = string.sub(current, 1, 16)
    else
      redis.call('SET', KEYS[i], stamp, 'PX', ARGV[8])
    end
  end
  answer[i] = stamp
  if i == 2 and ARGV[6] == '1' then group = stamp else tags[#tags + 1] = stamp end
end
tags = table.concat(tags)
local head = redis.pcall('GETRANGE', slot, 0, 151)
if type(head) ~= 'string' then
  redis.call('UNLINK', slot)
  head = ''
end
local ours = #head == 152 and string.sub(head, 1, 4) == string.sub(ARGV[5], 1, 4)
  and string.sub(head, 97, 98) == string.sub(ARGV[5], 97, 98)
local vacant = ours and bit.band(string.byte(head, 7), 2) ~= 0
local current = string.sub(head, 57, 72) == group
  and (tags == '' or redis.call('GETRANGE', slot, 152, 151 + #tags) == tags)
local now, uncached = nil, 0
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
if mode == 'put' then
  -- Any entry or lease ends.
elseif mode == 'write' then
  -- An entry stays, and so does the lease of a reader.
  if ours then
    if vacant and string.sub(head, 113, 120) == nobody then
      local left = redis.call('PTTL', slot)
      if string.sub(head, 137, 152) == none and left > 0 then
        redis.call('SETRANGE', slot, 128, struct.pack('<I8', clock() + left))
      end
      redis.call('PEXPIRE', slot, math.max(left, hold))
    end
    redis.call('SETRANGE', slot, 136, token)
    return answer
  end
  redis.call('SET', slot, string.sub(ARGV[5], 1, 56) .. group .. string.sub(ARGV[5], 73, 112) .. none .. nobody .. token
    .. tags .. ARGV[7], 'PX', hold)
  return answer
elseif vacant then
  -- Nothing to refresh.
  if mode == 'refresh' then return {3} end
  local holder, left = string.sub(head, 113, 120), redis.call('PTTL', slot)
  now = clock()
  -- A record with a longer TTL cannot be a lease.
  if current and left >= 0 and left <= 2 * hold then
    local marked = holder == nobody and string.sub(head, 137, 152) == none
    uncached = marked and now + left or struct.unpack('<I8', string.sub(head, 129, 136))
    if holder ~= nobody and holder ~= string.sub(token, 1, 8) and mode ~= 'force' then
      if uncached > now then return {4, uncached - now} end
      return {1, math.max(left, 1)}
    end
  elseif not current and #ARGV - 8 > #KEYS and holder ~= nobody and holder ~= string.sub(token, 1, 8) and mode ~= 'force'
    and string.sub(head, 113, 128) ~= string.sub(seen, 113, 128) then
    return {3}
  end
elseif head == '' then
  if mode == 'refresh' then return {3} end
else
  if mode ~= 'force' and string.sub(head, 1, 112) ~= string.sub(seen, 1, 112) then return {3} end
  -- An invalidated entry is not refreshed: readers would not see the lease on it.
  if mode == 'refresh' and not current then return {3} end
  if ours and mode ~= 'miss' then
    now = clock()
    local left = struct.unpack('<I8', string.sub(head, 129, 136)) - now
    local holder = string.sub(head, 113, 120)
    if left > 0 and mode == 'refresh' then
      if holder == nobody then return {2, left} end
      if holder ~= string.sub(token, 1, 8) then return {1, left} end
    end
    -- The lease of a put ends.
    redis.call('SETRANGE', slot, 112, token .. struct.pack('<I8', now + hold) .. none)
    return answer
  end
end
if ARGV[9] ~= '0' then uncached = math.max(uncached, (now or clock()) + tonumber(ARGV[9])) end
local record = string.sub(ARGV[5], 1, 56) .. group .. string.sub(ARGV[5], 73, 112) .. token
  .. struct.pack('<I8', uncached) .. none .. tags .. ARGV[7]
redis.call('SET', slot, record, 'PX', hold)
return answer",
    ])
});

/// Returns the stamps of the labels `KEYS`, with their counts where they have some. `ARGV`: 1 TTL of a stamp (ms), 2.. stamps for labels without one.
pub(super) static NOTE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local answer = {}
for i = 1, #KEYS do
  local stamp = redis.pcall('GET', KEYS[i])
  if type(stamp) ~= 'string' or (#stamp ~= 16 and #stamp ~= 32) then
    stamp = ARGV[i + 1]
    redis.call('SET', KEYS[i], stamp, 'PX', ARGV[1])
  end
  answer[i] = stamp
end
return answer"])
});

/// Returns `1` if the labels `KEYS` still have the stamps `ARGV[2..]`, whose TTLs are extended to outlive an entry with a TTL of
/// `ARGV[1]` ms (0: without expiry).
pub(super) static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        OUTLIVE,
        STAMP,
        r"for i = 1, #KEYS do
  if stamp(KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
for i = 1, #KEYS do outlive(KEYS[i], tonumber(ARGV[1])) end
return 1",
    ])
});

/// Extends the lease `ARGV[1]` on `KEYS[1]` to `ARGV[2]` ms from now, if it is still held. The lease of a put on an entry has
/// no end, and with a reader's lease on the same record it ends with that.
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local head = redis.pcall('GETRANGE', KEYS[1], 0, 151)
if type(head) ~= 'string' or #head ~= 152 then return 0 end
local vacant = bit.band(string.byte(head, 7), 2) ~= 0
if string.sub(head, 137, 152) == ARGV[1] then
  if vacant and string.sub(head, 113, 120) == string.rep('\0', 8) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 1
end
if string.sub(head, 113, 128) ~= ARGV[1] then return 0 end
if vacant then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('SETRANGE', KEYS[1], 128, struct.pack('<I8', now + tonumber(ARGV[2])))
end
return 1"])
});

/// Releases the lease `ARGV[1]` on `KEYS[1]`, if it is still held. An entry stays, and for `ARGV[2]` ms no process can lease
/// it for a refresh. In place of an entry, a record without a token stays for as long.
///
/// After the lease of a put, the string is as it was before that lease.
pub(super) static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local head = redis.pcall('GETRANGE', KEYS[1], 0, 151)
if type(head) ~= 'string' or #head ~= 152 then return 0 end
local vacant = bit.band(string.byte(head, 7), 2) ~= 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if string.sub(head, 137, 152) == ARGV[1] then
  if vacant and string.sub(head, 113, 120) == string.rep('\0', 8) then
    local left = struct.unpack('<I8', string.sub(head, 129, 136)) - now
    if left <= 0 then return redis.call('UNLINK', KEYS[1]) end
    redis.call('PEXPIRE', KEYS[1], left)
  end
  redis.call('SETRANGE', KEYS[1], 136, string.rep('\0', 16))
  return 1
end
if string.sub(head, 113, 128) ~= ARGV[1] then return 0 end
local pause = tonumber(ARGV[2])
if vacant then
  if pause == 0 then return redis.call('UNLINK', KEYS[1]) end
  redis.call('SETRANGE', KEYS[1], 112, string.rep('\0', 40))
  return redis.call('PEXPIRE', KEYS[1], pause)
end
if pause > 0 then pause = pause + now end
redis.call('SETRANGE', KEYS[1], 112, string.rep('\0', 16) .. struct.pack('<I8', pause))
return 1"])
});

/// Stores the entry `KEYS[1]` = `ARGV[2]` for `ARGV[3]` ms (0: without expiry) if `KEYS[1]` has the lease `ARGV[1]`, a reader's or a put's (empty:
/// unconditionally) and the labels `KEYS[2..]` still have the stamps `ARGV[4..]`. The TTLs of the stamps are extended: an
/// entry is invalid without them.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        OUTLIVE,
        STAMP,
        r"if ARGV[1] ~= '' then
  local held = redis.pcall('GETRANGE', KEYS[1], 112, 151)
  if type(held) ~= 'string' or (string.sub(held, 1, 16) ~= ARGV[1] and string.sub(held, 25, 40) ~= ARGV[1]) then
    return 0
  end
end
for i = 2, #KEYS do
  if stamp(KEYS[i]) ~= ARGV[i + 2] then return 0 end
end
local px = tonumber(ARGV[3])
if px == 0 then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
for i = 2, #KEYS do outlive(KEYS[i], px) end
return 1",
    ])
});

/// Replaces the entry `KEYS[1]` whose head is `ARGV[1]` by `ARGV[2]`, and keeps its TTL.
pub(super) static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"if redis.pcall('GETRANGE', KEYS[1], 0, 151) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1"])
});

/// Returns the `PTTL` of the entry `KEYS[1]` and the number of its tags; a lease is not an entry, and neither is what is
/// not larder's or of another prefix. `ARGV[1]` is the beginning of every envelope, `ARGV[2]` the length of the prefix.
pub(super) static TTL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local head = redis.pcall('GETRANGE', KEYS[1], 0, 97)
if type(head) ~= 'string' or string.sub(head, 1, 4) ~= ARGV[1] or string.sub(head, 97, 98) ~= ARGV[2]
  or bit.band(string.byte(head, 7), 2) ~= 0 then
  return {-2, 0}
end
return {redis.call('PTTL', KEYS[1]), string.byte(head, 8)}"])
});

/// Removes those of the entries `KEYS[2..]` that do not have the stamp of the group `KEYS[1]`. `ARGV`: magic, length of the
/// prefix, offset of the stamp. Values that are not entries of this prefix stay.
pub(super) static RECLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local stamp = redis.pcall('GET', KEYS[1])
local from = tonumber(ARGV[3])
local removed = 0
for i = 2, #KEYS do
  local head = redis.pcall('GETRANGE', KEYS[i], 0, 97)
  if type(head) == 'string' and #head == 98 and string.sub(head, 1, 3) == ARGV[1] and string.sub(head, 97, 98) == ARGV[2]
    and string.sub(head, from + 1, from + 16) ~= stamp then
    removed = removed + redis.call('UNLINK', KEYS[i])
  end
end
return removed"])
});

/// Returns which of `KEYS` hold entries or leases of this prefix, as positions from one. `ARGV`: magic, length of the prefix.
pub(super) static OWN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local own = {}
for i = 1, #KEYS do
  local head = redis.pcall('GETRANGE', KEYS[i], 0, 97)
  if type(head) == 'string' and #head == 98 and string.sub(head, 1, 3) == ARGV[1] and string.sub(head, 97, 98) == ARGV[2]
    and string.byte(head, 4) >= 3 and string.byte(head, 4) < 32 then
    own[#own + 1] = i
  end
end
return own"])
});

/// Returns which of `KEYS` hold entries of functions of this prefix, and which hold leases without an entry, as positions from
/// one. `ARGV`: magic, length of the prefix, name of the function, the hashes of the identities that count, 8 bytes each, or
/// nothing for all, and `1` if names that end with `::` and the name count as well.
///
/// The name follows the stamps and the names of the tags, each with its length in two bytes.
pub(super) static FUNCTION: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local entries, leases, last = {}, {}, '::' .. ARGV[3]
local function counts(identity)
  for at = 1, #ARGV[4], 8 do
    if string.sub(ARGV[4], at, at + 7) == identity then return true end
  end
  return ARGV[4] == ''
end
for i = 1, #KEYS do
  local head = redis.pcall('GETRANGE', KEYS[i], 0, 151)
  if type(head) == 'string' and #head == 152 and string.sub(head, 1, 3) == ARGV[1] and string.sub(head, 97, 98) == ARGV[2]
    and string.byte(head, 4) >= 3 and string.byte(head, 4) < 32 then
    local len = struct.unpack('<I2', string.sub(head, 99, 100))
    local by_end = ARGV[5] == '1' and ARGV[3] ~= '' and len >= #last
    if bit.band(string.byte(head, 7), 2) ~= 0 then
      leases[#leases + 1] = i
    elseif (len == #ARGV[3] or by_end) and counts(string.sub(head, 73, 80)) then
      local at = 152 + 16 * string.byte(head, 8)
      for _ = 1, string.byte(head, 8) do
        local tag = redis.call('GETRANGE', KEYS[i], at, at + 1)
        if #tag < 2 then break end
        at = at + 2 + struct.unpack('<I2', tag)
      end
      local name = len > 0 and redis.call('GETRANGE', KEYS[i], at, at + len - 1) or ''
      if name == ARGV[3] or (by_end and string.sub(name, -#last) == last) then entries[#entries + 1] = i end
    end
  end
end
return {entries, leases}"])
});

/// Removes those of `KEYS` that hold entries or leases of this prefix, and returns their number and that of the keys that
/// hold something else. `ARGV`: magic, length of the prefix, `1` to remove envelopes of versions before the third as well,
/// which do not tell their prefix.
///
/// After the magic and the version come small numbers, where a text with the same beginning has letters.
pub(super) static DELETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local own, foreign, removed = {}, 0, 0
for i = 1, #KEYS do
  local head = redis.pcall('GETRANGE', KEYS[i], 0, 97)
  if type(head) ~= 'string' then
    foreign = foreign + 1
  elseif head == '' and redis.call('EXISTS', KEYS[i]) == 0 then
    -- A server that refuses writes must refuse this one: its copy may be older than that of its master.
    own[#own + 1] = KEYS[i]
  else
    local is_own = string.find(head, '^' .. ARGV[1] .. '%c%c%c%c') ~= nil
    if is_own and string.byte(head, 4) < 3 then
      is_own = ARGV[3] == '1'
    elseif is_own then
      is_own = string.sub(head, 97, 98) == ARGV[2]
    end
    if is_own then own[#own + 1] = KEYS[i] else foreign = foreign + 1 end
  end
end
for i = 1, #own, 1000 do
  removed = removed + redis.call('UNLINK', unpack(own, i, math.min(i + 999, #own)))
end
return {removed, foreign}"])
});
