//! The borders of replies in a stream of bytes, by the protocol of Redis in both versions (RESP2 and RESP3).

use redis::{ErrorKind, RedisError};

/// The longest line: an error, a number, or the length of something.
const LONGEST_LINE: usize = 64 << 10;
/// The deepest nesting of arrays.
const DEEPEST: usize = 64;

/// Finds the ends of values. It continues where it stopped when more bytes have arrived.
#[derive(Debug, Default)]
pub(super) struct FrameScanner {
    /// The number of bytes of the first value that were looked at.
    at: usize,
    /// The number of elements that each open array still needs, the innermost last.
    open: Vec<usize>,
}

impl FrameScanner {
    /// Returns the length of the value that `bytes` begin with, once it is whole. The caller then removes it.
    ///
    /// # Errors
    /// The bytes are not the protocol of Redis.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<usize>, RedisError> {
        while let Some((kind, line)) = self.line(bytes)? {
            let end = self.at + line.len() + 3;
            let elements = match kind {
                b'+' | b'-' | b':' | b',' | b'#' | b'(' | b'_' => 0,
                b'$' | b'!' | b'=' => {
                    let end = match number(line)? {
                        Some(len) => len.checked_add(end + 2).ok_or_else(malformed)?,
                        None => end,
                    };
                    if bytes.len() < end {
                        return Ok(None);
                    }
                    self.at = end;
                    if self.end_value() {
                        return Ok(Some(std::mem::take(&mut self.at)));
                    }
                    continue;
                }
                b'*' | b'~' | b'>' => number(line)?.unwrap_or(0),
                b'%' => number(line)?.unwrap_or(0).checked_mul(2).ok_or_else(malformed)?,
                // Attributes precede the value that they belong to.
                b'|' => number(line)?
                    .unwrap_or(0)
                    .checked_mul(2)
                    .and_then(|n| n.checked_add(1))
                    .ok_or_else(malformed)?,
                _ => return Err(malformed()),
            };
            self.at = end;
            if elements > 0 {
                if self.open.len() == DEEPEST {
                    return Err(malformed());
                }
                self.open.push(elements);
            } else if self.end_value() {
                return Ok(Some(std::mem::take(&mut self.at)));
            }
        }
        Ok(None)
    }

    /// Returns the kind of the next value and the rest of its first line, if the line is whole.
    fn line<'b>(&self, bytes: &'b [u8]) -> Result<Option<(u8, &'b [u8])>, RedisError> {
        let Some((kind, rest)) = bytes.get(self.at..).and_then(<[u8]>::split_first) else { return Ok(None) };
        match rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') {
            Some(end) => {
                let line = rest[..end].strip_suffix(b"\r").ok_or_else(malformed)?;
                Ok(Some((*kind, line)))
            }
            // The first byte of what is not the protocol shows it, before a line ends that may never end.
            None if rest.len() >= LONGEST_LINE || !b"+-:,#(_$!=*~>%|".contains(kind) => Err(malformed()),
            None => Ok(None),
        }
    }

    /// Counts a value, and the arrays that end with it. Returns `true` if no array is open.
    fn end_value(&mut self) -> bool {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

/// Returns a length; `None` for the one of a null.
fn number(line: &[u8]) -> Result<Option<usize>, RedisError> {
    if line == b"-1" {
        return Ok(None);
    }
    // Small, and far below what fits: no value of Redis is longer than 512 MB.
    if line.is_empty() || line.len() > 12 {
        return Err(malformed());
    }
    let digits = line.iter().try_fold(0_usize, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + usize::from(byte - b'0')).ok_or_else(malformed)
    });
    digits.map(Some)
}

fn malformed() -> RedisError {
    RedisError::from((ErrorKind::Parse, "the bytes are not a reply of Redis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the values in a stream that arrives in pieces of this size.
    fn lengths(stream: &[u8], piece: usize) -> Result<Vec<usize>, RedisError> {
        let (mut scanner, mut buffer, mut lengths) = (FrameScanner::default(), Vec::new(), Vec::new());
        for bytes in stream.chunks(piece) {
            buffer.extend_from_slice(bytes);
            while let Some(len) = scanner.next(&buffer)? {
                buffer.drain(..len);
                lengths.push(len);
            }
        }
        assert!(buffer.is_empty(), "{:?} is left", buffer.escape_ascii().to_string());
        Ok(lengths)
    }

    #[test]
    fn values_end_where_they_end_in_whatever_pieces_they_arrive() {
        let values: [&[u8]; 15] = [
            b"+OK\r\n",
            b"-ERR no\r\n",
            b":-12\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"$5\r\na\r\nbc\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"*2\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n_\r\n",
            b"%1\r\n+key\r\n~2\r\n#t\r\n,1.5\r\n",
            b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n",
            b"|1\r\n+ttl\r\n:3\r\n*1\r\n$1\r\nv\r\n",
            b"=7\r\ntxt:abc\r\n",
            b"!3\r\nERR\r\n",
            b"(123456789012345678901234567890\r\n",
        ];
        let expected: Vec<usize> = values.iter().map(|value| value.len()).collect();
        let stream = values.concat();
        for piece in 1..=stream.len() {
            assert_eq!(lengths(&stream, piece).expect("all are values"), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_reply_is_found_out_at_its_first_byte() {
        for bytes in
            ["HTTP/1.1 400 Bad Request\r\n", "\u{15}\u{3}", "$x\r\n", "$-2\r\n", "*9999999999999\r\n", "+a\n"]
        {
            assert!(FrameScanner::default().next(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert!(FrameScanner::default().next(b"H").is_err());
        assert!(FrameScanner::default().next(&[b"+".as_slice(), &[b'a'; LONGEST_LINE]].concat()).is_err());
        assert!(FrameScanner::default().next(&b"*1\r\n".repeat(DEEPEST + 1)).is_err());
    }
}
