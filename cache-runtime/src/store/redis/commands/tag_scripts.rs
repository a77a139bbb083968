//! The scripts that count invalidations of tags, for tags that are known once a value is computed.
//!
//! A counter is a string of 16 bytes: number, epoch. A tag is its stamp, 16 bytes, and where it is known the count up to which it
//! was invalidated at most. Nothing is counted until a lease asks for the count. A tag that was invalidated while the counter could
//! not be reached is barred: in place of its count there are 16 bytes of 255.

use std::sync::LazyLock;

use crate::store::redis::connect::Script;

/// Returns the counter, or an empty string.
const COUNTER: &str = r"local function counter(key)
  local count = redis.pcall('GET', key)
  if type(count) == 'string' and #count == 16 then return count end
  return ''
end
";

/// Returns the counter, which is created where there is none.
const CREATE: &str = r"local function created(key, epoch, ttl)
  local count = counter(key)
  if count == '' then
    count = string.rep('\0', 8) .. epoch
    redis.call('SET', key, count, 'PX', ttl)
  end
  return count
end
";

/// Increments the counter, and returns it; an empty string where there is none.
const INCREMENT: &str = r"local function increment(key, ttl)
  local count = counter(key)
  if count ~= '' then
    count = struct.pack('<I8', struct.unpack('<I8', count) + 1) .. string.sub(count, 9)
    redis.call('SET', key, count, 'PX', ttl)
  end
  return count
end
";

/// Gives a tag that has a stamp a new one. The count of a tag of this epoch becomes that of the invalidation, and is never lowered:
/// invalidations may overtake each other between the counter and the tag. A tag without a count, or with one of another epoch,
/// has none then: an invalidation with a higher count may have found no tag. A barred tag stays barred: it may have been barred after
/// the counter was incremented.
const RESTAMP: &str = r"local function restamp(tag, stamp, count, ttl)
  local old = redis.pcall('GET', tag)
  if not old then return 0 end
  if type(old) == 'string' and string.sub(old, 17) == string.rep('\255', 16) then
    count = string.sub(old, 17)
  elseif type(old) ~= 'string' or #old ~= 32 or string.sub(old, 25) ~= string.sub(count, 9) then
    count = ''
  elseif struct.unpack('<I8', old, 17) > struct.unpack('<I8', count) then
    count = string.sub(old, 17)
  end
  redis.call('SET', tag, stamp .. count, 'PX', ttl)
  return 1
end
";

/// Counts an invalidation at `KEYS[2]` and gives the tag `KEYS[1]` a new stamp. `ARGV`: 1 stamp, 2 TTL of a stamp (ms). Returns `0`
/// for a tag without a stamp.
pub(super) static INVALIDATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COUNTER,
        INCREMENT,
        RESTAMP,
        r"return restamp(KEYS[1], ARGV[1], increment(KEYS[2], ARGV[2]), ARGV[2])",
    ])
});

/// Counts an invalidation at `KEYS[1]` and returns the count. `ARGV`: 1 TTL of a counter (ms).
pub(super) static COUNT: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[COUNTER, INCREMENT, r"return increment(KEYS[1], ARGV[1])"]));

/// Gives the tag `KEYS[1]` a new stamp. `ARGV`: 1 stamp, 2 TTL of a stamp (ms), 3 count of the invalidation.
pub(super) static STAMP: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[RESTAMP, r"return restamp(KEYS[1], ARGV[1], ARGV[3], ARGV[2])"]));

/// Unbars those of the tags `KEYS` that still have the stamps `ARGV`. The counter was incremented since they were read.
pub(super) static UNBAR: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"for i = 1, #KEYS do
  if redis.pcall('GET', KEYS[i]) == ARGV[i] .. string.rep('\255', 16) then
    redis.call('SET', KEYS[i], ARGV[i], 'KEEPTTL')
  end
end
return 1"])
});

/// Returns the count at `KEYS[1]`. `ARGV`: 1 epoch of a new counter, 2 TTL of a counter (ms).
pub(super) static NOTED: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[COUNTER, CREATE, r"return created(KEYS[1], ARGV[1], ARGV[2])"]));

/// Returns the count at `KEYS[1]` and the stamps of the tags `KEYS[2..]` with their counts. `ARGV`: 1 epoch of a new counter, 2 TTL
/// of a stamp (ms), 3.. a stamp for each tag. A tag without a count, or with one of another epoch, gets the counter's.
pub(super) static LATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        COUNTER,
        CREATE,
        r"local count = created(KEYS[1], ARGV[1], ARGV[2])
local answer = {count}
for i = 2, #KEYS do
  local tag = redis.pcall('GET', KEYS[i])
  if type(tag) ~= 'string' or (#tag ~= 16 and #tag ~= 32) then
    tag = ARGV[i + 1] .. count
    redis.call('SET', KEYS[i], tag, 'PX', ARGV[2])
  elseif string.sub(tag, 25) ~= string.sub(count, 9) then
    tag = string.sub(tag, 1, 16) .. count
    redis.call('SET', KEYS[i], tag, 'KEEPTTL')
  end
  answer[i] = tag
end
return answer",
    ])
});

/// Gives those of the tags `KEYS` that have no count, or one of another epoch, the count `ARGV[1]`, if they still have the stamps
/// `ARGV[2..]`.
pub(super) static NUMBER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"for i = 1, #KEYS do
  local tag = redis.pcall('GET', KEYS[i])
  if type(tag) == 'string' and string.sub(tag, 1, 16) == ARGV[i + 1] and string.sub(tag, 25) ~= string.sub(ARGV[1], 9) then
    redis.call('SET', KEYS[i], ARGV[i + 1] .. ARGV[1], 'KEEPTTL')
  end
end
return 1"])
});
