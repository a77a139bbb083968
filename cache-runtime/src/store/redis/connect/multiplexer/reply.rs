//! Replies as values.

use redis::{RedisResult, Value};

/// The deepest array that is decoded here.
const DEEPEST: usize = 4;

/// Returns the value of a whole reply.
///
/// # Errors
/// The bytes are not one.
pub(super) fn value(reply: &[u8]) -> RedisResult<Value> {
    let mut rest = reply;
    match common(&mut rest, DEEPEST) {
        Some(value) if rest.is_empty() => Ok(value),
        _ => redis::parse_redis_value(reply),
    }
}

/// Reads a value of the kinds that most replies consist of; `None` for all others, which the client library parses.
fn common(rest: &mut &[u8], depth: usize) -> Option<Value> {
    let (kind, after) = rest.split_first()?;
    let end = after.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = (after[..end].strip_suffix(b"\r")?, &after[end + 1..]);
    *rest = after;
    match kind {
        b'$' | b'*' if line == b"-1" => Some(Value::Nil),
        b'_' if line.is_empty() => Some(Value::Nil),
        b'$' => {
            let (bytes, after) = after.split_at_checked(number(line)?)?;
            *rest = after.strip_prefix(b"\r\n")?;
            Some(Value::BulkString(bytes.to_vec()))
        }
        b'*' => {
            let depth = depth.checked_sub(1)?;
            // Each element has at least three bytes, so that the capacity is bounded by what was received.
            let len = number(line)?;
            let mut values = Vec::with_capacity(len.min(after.len() / 3));
            for _ in 0..len {
                values.push(common(rest, depth)?);
            }
            Some(Value::Array(values))
        }
        b':' if line.first() != Some(&b'-') => i64::try_from(number(line)?).ok().map(Value::Int),
        b'+' if line == b"OK" => Some(Value::Okay),
        _ => None,
    }
}

/// Returns a number without a sign.
fn number(line: &[u8]) -> Option<usize> {
    if line.is_empty() || line.len() > 18 {
        return None;
    }
    line.iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + usize::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_values_are_as_the_client_library_reads_them() {
        let replies: [&[u8]; 13] = [
            b"+OK\r\n",
            b"+PONG\r\n",
            b":0\r\n",
            b":1234567890123\r\n",
            b":-5\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"$5\r\na\r\nbc\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n+OK\r\n",
            b"*2\r\n-ERR no\r\n%1\r\n+a\r\n#t\r\n",
            b"-MOVED 1 127.0.0.1:1\r\n",
        ];
        for reply in replies {
            let text = reply.escape_ascii().to_string();
            let expected = redis::parse_redis_value(reply).expect("a value");
            assert_eq!(value(reply).expect("a value"), expected, "{text}");
            let is_rare = text.contains("PONG")
                || text.contains("-5")
                || text.contains("ERR")
                || text.contains("MOVED");
            assert_eq!(common(&mut &*reply, DEEPEST).is_none(), is_rare, "{text}");
        }
    }

    #[test]
    fn an_array_of_a_false_length_takes_no_memory() {
        assert!(value(b"*1000000000000\r\n:1\r\n").is_err());
        assert!(value(b"$5\r\nabc\r\n").is_err());
    }
}
