//! What has to happen in Redis in one step. Every script touches one slot only, and its text never changes.

use std::sync::LazyLock;

use redis::Script;

/// Answers the group's stamp, or makes `ARGV[1]` its stamp for `ARGV[2]` ms.
///
/// Something else under the group's key is replaced: a stamp is a string of 16 bytes.
pub(super) static STAMP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local stamp = redis.pcall('GET', KEYS[1])
if type(stamp) == 'string' and #stamp == 16 then return stamp end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]",
    )
});

/// Stores the entry `KEYS[1]` = `ARGV[1]` for `ARGV[2]` ms (0: until removed) if the group `KEYS[2]` still has the
/// stamp `ARGV[3]`. The stamp outlives the entry, or the entry would be lost with it.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if redis.pcall('GET', KEYS[2]) ~= ARGV[3] then return 0 end
local px = tonumber(ARGV[2])
local left = redis.call('PTTL', KEYS[2])
if px == 0 then
  redis.call('SET', KEYS[1], ARGV[1])
  if left >= 0 then redis.call('PERSIST', KEYS[2]) end
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  if left >= 0 and left < 2 * px then redis.call('PEXPIRE', KEYS[2], string.format('%.0f', 2 * px)) end
end
return 1",
    )
});

/// Removes those of the entries `KEYS[2..]` that do not have the stamp of the group `KEYS[1]`. `ARGV`: magic, and the
/// offset of the stamp. What is no entry is left alone.
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

/// Removes `KEYS[1]` if it is an entry: if its value begins with the magic `ARGV[1]` and goes on with small numbers, where
/// a text that happens to begin alike has letters.
pub(super) static DELETE_OURS: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] + 3)
if type(head) == 'string' and string.find(head, '^' .. ARGV[1] .. '%c%c%c%c') then return redis.call('UNLINK', KEYS[1]) end
return 0",
    )
});
