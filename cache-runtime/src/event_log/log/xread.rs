//! The command that waits for entries of many streams, and its reply.

use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::event::LogEntry;
use super::feeds::Positions;
use super::script::FIELD;
use crate::event_log::event_id::EventId;

/// The most entries of one log in a reply, which has a time limit.
const COUNT: usize = 32;

/// Returns the command that waits for entries after these positions, at most for `block`.
pub(super) fn command(positions: &Positions, block: Duration) -> Cmd {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(COUNT).arg("BLOCK").arg(block.as_millis() as u64).arg("STREAMS");
    for (key, _) in positions {
        command.arg(key);
    }
    for (_, id) in positions {
        command.arg(id.to_string());
    }
    command
}

/// Decodes the reply: the entries of each log. `None` for a reply that the command cannot have.
pub(super) fn entries(reply: Value) -> Option<Vec<(String, Vec<LogEntry>)>> {
    let Value::Array(streams) = reply else {
        return matches!(reply, Value::Nil).then(Vec::new);
    };
    streams
        .into_iter()
        .map(|stream| {
            let [key, entries] = parts(stream)?;
            let Value::Array(entries) = entries else { return None };
            Some((text(key)?, entries.into_iter().map(entry).collect::<Option<_>>()?))
        })
        .collect()
}

fn entry(entry: Value) -> Option<LogEntry> {
    let [id, fields] = parts(entry)?;
    let id = EventId::parse(&text(id)?)?;
    // An entry that was removed meanwhile has none.
    let fields = match fields {
        Value::Array(fields) => fields,
        _ => Vec::new(),
    };
    let (mut fields, mut json) = (fields.into_iter(), None);
    while let (Some(field), Some(value)) = (fields.next(), fields.next()) {
        if let (Value::BulkString(field), Value::BulkString(value)) = (field, value)
            && field == FIELD.as_bytes()
        {
            json = Some(Bytes::from(value));
        }
    }
    Some(LogEntry { id, json })
}

fn parts(value: Value) -> Option<[Value; 2]> {
    let Value::Array(values) = value else { return None };
    values.try_into().ok()
}

fn text(value: Value) -> Option<String> {
    let Value::BulkString(text) = value else { return None };
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Value {
        Value::Array(texts.iter().map(|text| Value::BulkString(text.as_bytes().to_vec())).collect())
    }

    #[test]
    fn the_command_names_all_logs_before_their_positions() {
        let positions = vec![("a".to_owned(), EventId::new(1, 2)), ("b".to_owned(), EventId::new(3, 0))];
        let packed = command(&positions, Duration::from_secs(1)).get_packed_command();
        let words: Vec<_> =
            std::str::from_utf8(&packed).expect("text").split("\r\n").skip(2).step_by(2).collect();
        assert_eq!(words[..10], ["XREAD", "COUNT", "32", "BLOCK", "1000", "STREAMS", "a", "b", "1-2", "3-0"]);
    }

    #[test]
    fn replies_are_decoded() {
        let key = || Value::BulkString(b"a".to_vec());
        let one = Value::Array(vec![Value::BulkString(b"1-0".to_vec()), texts(&["other", "x", "d", "{}"])]);
        let foreign = Value::Array(vec![Value::BulkString(b"2-0".to_vec()), texts(&["other", "x"])]);
        let reply = Value::Array(vec![Value::Array(vec![key(), Value::Array(vec![one, foreign])])]);
        let decoded = entries(reply).expect("entries");
        assert_eq!(decoded[0].0, "a");
        let decoded: Vec<_> = decoded[0].1.iter().map(|entry| entry.json.as_deref()).collect();
        assert_eq!(decoded, [Some(&b"{}"[..]), None]);
        assert_eq!(entries(Value::Nil), Some(Vec::new()));
        assert_eq!(entries(Value::Okay), None);
        assert_eq!(entries(texts(&["a"])), None);
    }
}
