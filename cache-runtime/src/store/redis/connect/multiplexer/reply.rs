//! Replies as values.

use bytes::Bytes;
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

/// Cuts the text of an array into its strings, which share its memory; a null is `None`. Returns `None` if it has other elements.
pub(crate) fn strings(text: &Bytes) -> Option<Vec<Option<Bytes>>> {
    let mut rest = &text[..];
    let (b'*', line) = first_line(&mut rest)? else { return None };
    let len = number(line)?;
    let mut strings = Vec::with_capacity(len.min(rest.len() / 3));
    for _ in 0..len {
        strings.push(match first_line(&mut rest)? {
            (b'$', b"-1") | (b'_', b"") => None,
            (b'$', line) => {
                let start = text.len() - rest.len();
                let string = text.get(start..start.checked_add(number(line)?)?)?;
                rest = rest[string.len()..].strip_prefix(b"\r\n")?;
                Some(text.slice(start..start + string.len()))
            }
            _ => return None,
        });
    }
    rest.is_empty().then_some(strings)
}

/// Reads a value of the kinds that most replies consist of; `None` for all others, which the client library parses.
fn common(rest: &mut &[u8], depth: usize) -> Option<Value> {
    let (kind, line) = first_line(rest)?;
    let after = *rest;
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

/// Reads the kind of a value and the rest of its first line.
#[inline]
fn first_line<'b>(rest: &mut &'b [u8]) -> Option<(u8, &'b [u8])> {
    let (kind, after) = rest.split_first()?;
    let end = after.iter().position(|byte| *byte == b'\n')?;
    *rest = &after[end + 1..];
    Some((*kind, after[..end].strip_suffix(b"\r")?))
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
    fn strings_are_those_of_the_array() {
        let cut = |text: &'static str| strings(&Bytes::from_static(text.as_bytes()));
        let some = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        assert_eq!(
            cut("*3\r\n$1\r\na\r\n$-1\r\n$4\r\n\r\n$1\r\n"),
            Some(vec![some("a"), None, some("\r\n$1")])
        );
        assert_eq!(cut("*2\r\n_\r\n$0\r\n\r\n"), Some(vec![None, some("")]));
        assert_eq!(cut("*0\r\n"), Some(vec![]));
        for other in [
            "*1\r\n:1\r\n",
            "*1\r\n-ERR no\r\n",
            "*2\r\n$1\r\na\r\n",
            "*1\r\n$1\r\na\r\n+OK\r\n",
            "*1\r\n$9\r\na\r\n",
            "*1\r\n$1\r\nab\r\n",
            "*1000000000000\r\n$1\r\na\r\n",
            "$1\r\na\r\n",
            "",
        ] {
            assert_eq!(cut(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_array_of_a_false_length_takes_no_memory() {
        assert!(value(b"*1000000000000\r\n:1\r\n").is_err());
        assert!(value(b"$5\r\nabc\r\n").is_err());
    }
}
