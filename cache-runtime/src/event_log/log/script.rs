//! The scripts of a log: `KEYS[1]` is a stream whose entries have the field `d`, the event as JSON. Their texts never change.

use std::sync::LazyLock;

use bytes::Bytes;

use super::event::LogEntry;
use super::settings::Retention;
use super::window::{History, LogWindow};
use crate::event_log::event_id::EventId;
use crate::store::Script;

/// The field of an entry that has the event.
pub(super) const FIELD: &str = "d";

/// Adds the entry `ARGV[1]`, trims the log to about `ARGV[2]` entries, and has it expire in `ARGV[3]` milliseconds, or never if that is
/// zero. Returns the id.
///
/// Whole nodes are trimmed, so that more entries may be kept.
pub(super) static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'd', ARGV[1])
if ARGV[3] == '0' then redis.call('PERSIST', KEYS[1])
else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return {id}"])
});

/// Returns the ids of the first and of the last entry (empty without any), the number of entries, the milliseconds since 1970, and
/// at most `ARGV[2]` of the entries from `ARGV[1]` on: for each its id, and the event after a `+`, or a `-` without one. Fewer if they are
/// large, so that a listener that is slow holds few bytes.
///
/// One script, so that all of it is of one moment.
pub(super) static HISTORY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"local key = KEYS[1]
local function id(entries) return entries[1] and entries[1][1] or '' end
local time = redis.call('TIME')
local answer = {
  id(redis.call('XRANGE', key, '-', '+', 'COUNT', 1)),
  id(redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)),
  tostring(redis.call('XLEN', key)),
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
}
if ARGV[2] ~= '0' then
  local size = 0
  for _, entry in ipairs(redis.call('XRANGE', key, ARGV[1], '+', 'COUNT', ARGV[2])) do
    local json = '-'
    for i = 1, #entry[2], 2 do
      if entry[2][i] == 'd' then json = '+' .. entry[2][i + 1] end
    end
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = json
    size = size + #json
    if size > 262144 then break end
  end
end
return answer"])
});

/// Returns the arguments of [`APPEND`].
pub(super) fn append_arguments(json: &Bytes, retention: Retention) -> [Vec<u8>; 3] {
    let expire = retention.expire.map_or(0, |expire| expire.as_millis().max(1));
    [json.to_vec(), retention.keep.to_string().into(), expire.to_string().into()]
}

/// Decodes the reply of [`APPEND`]; `None` for one that the script cannot return.
pub(super) fn appended(reply: &[Vec<u8>]) -> Option<EventId> {
    let [id] = reply else { return None };
    EventId::parse(std::str::from_utf8(id).ok()?)
}

/// Decodes the reply of [`HISTORY`]; `None` for one that the script cannot return.
pub(super) fn history(reply: Vec<Vec<u8>>) -> Option<History> {
    let mut texts = reply.into_iter();
    let [first, last, len, now] = [texts.next()?, texts.next()?, texts.next()?, texts.next()?];
    let bounds = match first.is_empty() {
        true => None,
        false => Some((id(&first)?, id(&last)?)),
    };
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    let window = LogWindow { bounds, len: number(&len)?, now_ms: number(&now)? };
    let mut entries = Vec::with_capacity(texts.len() / 2);
    while let Some(of) = texts.next() {
        let json = Bytes::from(texts.next()?);
        let json = match json.first()? {
            b'+' => Some(json.slice(1..)),
            _ => None,
        };
        entries.push(LogEntry { id: id(&of)?, json });
    }
    Some(History { window, entries })
}

fn id(text: &[u8]) -> Option<EventId> {
    EventId::parse(std::str::from_utf8(text).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn replies_are_decoded() {
        let decoded =
            history(reply(&["1-0", "2-0", "2", "77", "1-0", "+{}", "2-0", "-"])).expect("a history");
        assert_eq!(decoded.window.bounds, Some((EventId::new(1, 0), EventId::new(2, 0))));
        assert_eq!((decoded.window.len, decoded.window.now_ms), (2, 77));
        let jsons: Vec<_> = decoded.entries.iter().map(|entry| entry.json.as_deref()).collect();
        assert_eq!(jsons, [Some(&b"{}"[..]), None]);
        let empty = history(reply(&["", "", "0", "77"])).expect("a history");
        assert_eq!((empty.window.bounds, empty.entries.len()), (None, 0));
        assert_eq!(appended(&reply(&["5-1"])), Some(EventId::new(5, 1)));
    }

    #[test]
    fn replies_of_another_form_are_none() {
        for texts in
            [&[][..], &["1-0"], &["1-0", "", "2", "77"], &["", "", "x", "77"], &["", "", "0", "77", "1-0"]]
        {
            assert_eq!(history(reply(texts)), None, "{texts:?}");
        }
        assert_eq!(appended(&reply(&["5"])), None);
    }
}
