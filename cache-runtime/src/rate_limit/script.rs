//! The scripts: the ledgers of `ledger` in Redis, by its own clock. Their texts never change.
//!
//! `ARGV`: 1 operation, 2 cost, then two numbers for each window. Both return the time in microseconds, `1` if the hit is admitted, and for
//! each window the remaining hits, the time until there are more, and the time until a refused hit is admitted. Numbers are below 2^53.
//! A hit that is refused writes nothing.

use std::sync::LazyLock;

use super::ledger::{Decision, LedgerOp, WindowCount};
use super::rules::{LimitAlgorithm, LimitRules};
use crate::store::Script;

/// The clock, and a number without an exponent.
const CLOCK: &str = r"local key, op, cost = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
";

/// The log `KEYS[1]`: a sorted set of the admitted hits by their times. The numbers of a window are its limit and its length.
///
/// A member is the time and a counter, and never replaces another one: two hits of one microsecond are two, also after a refund
/// or when the clock is set back.
static LOG: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        CLOCK,
        r"local answer, counts, longest, oldest, refuses = {now, 1}, {}, 0, 0, false
if op == 'refund' then redis.call('ZPOPMAX', key, cost) cost = 1 end
if op == 'reset' then redis.call('UNLINK', key) end
local held = redis.call('ZCARD', key)
for i = 3, #ARGV, 2 do
  local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local count = 0
  if held > 0 then count = redis.call('ZCOUNT', key, '(' .. text(now - window), '+inf') end
  counts[i] = count
  if window > longest then longest, oldest = window, held - count end
  if count + cost > limit then refuses = true end
end
if refuses then answer[2] = 0 end
local taken = op == 'hit' and not refuses
if taken then
  -- A server without memory refuses the first command that takes some, and none after another write.
  local counter = held
  for _ = 1, cost do
    repeat counter = counter + 1
    until redis.call('ZADD', key, 'NX', text(now), text(now) .. '-' .. counter) == 1
  end
  held = held + cost
  if oldest > 0 then held = held - redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - longest)) end
  redis.call('PEXPIRE', key, text(math.ceil(longest / 1000)))
end
local function left(rank, window)
  local hit = redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')
  return math.max(tonumber(hit[2]) + window - now, 0)
end
for i = 3, #ARGV, 2 do
  local limit, window, hits, at = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), counts[i], #answer
  if taken then hits = hits + cost end
  answer[at + 1], answer[at + 2], answer[at + 3] = math.max(limit - hits, 0), 0, 0
  if hits > 0 and counts[i] == 0 then
    answer[at + 2] = window
  elseif hits > 0 then
    answer[at + 2] = left(held - hits, window)
  end
  if not taken and hits + cost > limit then
    local rank = held + cost - limit - 1
    answer[at + 3] = rank == held - hits and answer[at + 2] or left(rank, window)
  end
end
return answer",
    ])
});

/// The due times `KEYS[1]`: for each window the time at which it is empty again. The numbers of a window are its burst and its
/// interval.
static SMOOTH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[
        CLOCK,
        r"local answer, before, dues, refuses = {now, 1}, {}, {}, false
for due in string.gmatch(redis.call('GET', key) or '', '%d+') do before[#before + 1] = tonumber(due) end
local refund = 0
if op == 'refund' then refund = cost cost = 1 end
for i = 3, #ARGV, 2 do
  local burst, interval = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local due = math.max(before[#dues + 1] or now, now)
  if op == 'reset' then due = now end
  due = math.max(due - refund * interval, now)
  dues[#dues + 1] = due
  if due - now + cost * interval > burst * interval then refuses = true end
end
if refuses then answer[2] = 0 end
local taken, last = op == 'hit' and not refuses, now
for i = 3, #ARGV, 2 do
  local burst, interval, nth, at = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), (i - 1) / 2, #answer
  if taken then dues[nth] = dues[nth] + cost * interval end
  local ahead = dues[nth] - now
  local used = math.ceil(ahead / interval)
  last = math.max(last, dues[nth])
  answer[at + 1], answer[at + 2], answer[at + 3] = math.max(burst - used, 0), 0, 0
  if used > 0 then answer[at + 2] = ahead - (used - 1) * interval end
  if not taken then answer[at + 3] = math.max(ahead + (cost - burst) * interval, 0) end
  dues[nth] = text(dues[nth])
end
if last == now then
  if op ~= 'peek' then redis.call('UNLINK', key) end
elseif taken or op == 'refund' then
  redis.call('SET', key, table.concat(dues, ' '), 'PX', text(math.ceil((last - now) / 1000)))
end
return answer",
    ])
});

/// Returns the script of an algorithm.
pub(super) fn script(algorithm: LimitAlgorithm) -> &'static Script {
    match algorithm {
        LimitAlgorithm::Log => &LOG,
        LimitAlgorithm::Smooth => &SMOOTH,
    }
}

/// Returns the arguments of a script.
pub(super) fn arguments(rules: &LimitRules, op: LedgerOp) -> Vec<String> {
    let (name, cost) = match op {
        LedgerOp::Hit(cost) => ("hit", cost),
        LedgerOp::Peek(cost) => ("peek", cost),
        LedgerOp::Refund(hits) => ("refund", hits),
        LedgerOp::Reset => ("reset", 1),
    };
    let mut arguments = vec![name.to_owned(), cost.to_string()];
    for window in &rules.windows {
        let numbers = match rules.algorithm {
            LimitAlgorithm::Log => [window.rate.limit(), window.length()],
            LimitAlgorithm::Smooth => [window.burst, window.interval],
        };
        arguments.extend(numbers.map(|number| number.to_string()));
    }
    arguments
}

/// Decodes the reply of a script; `None` for one that a script cannot return.
pub(super) fn decision(reply: &[i64], rules: &LimitRules) -> Option<Decision> {
    let numbers: Vec<u64> =
        reply.iter().map(|number| u64::try_from(*number)).collect::<Result<_, _>>().ok()?;
    let [at, allowed, rest @ ..] = numbers.as_slice() else { return None };
    let windows: Vec<WindowCount> = rest
        .chunks_exact(3)
        .map(|window| WindowCount { remaining: window[0], reset: window[1], wait: window[2] })
        .collect();
    let is_whole = rest.len() == 3 * rules.windows.len() && *allowed <= 1;
    is_whole.then_some(Decision { allowed: *allowed == 1, at: *at, windows })
}
