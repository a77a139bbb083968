//! The bytes of stored responses: numbers as LEB128, times in milliseconds, texts behind their length, and the body last
//! without one.

use std::time::Duration;

use bytes::Bytes;

/// Appends values to bytes.
pub(super) struct ByteWriter<'a>(pub(super) &'a mut Vec<u8>);

impl ByteWriter<'_> {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            // The cast keeps the low bits, of which seven are written.
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn time(&mut self, time: Duration) {
        self.number(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    pub(super) fn rest(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// Reads the bytes of a [`ByteWriter`]. Any other bytes give `None`, never a panic.
pub(super) struct ByteReader {
    bytes: Bytes,
    at: usize,
}

impl ByteReader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn time(&mut self) -> Option<Duration> {
        // Longer than any TTL, and short enough to be added.
        const LONGEST: u64 = 1 << 50;
        self.number().map(|millis| Duration::from_millis(millis.min(LONGEST)))
    }

    /// Reads a text as a slice of the whole.
    pub(super) fn text(&mut self) -> Option<Bytes> {
        let len = usize::try_from(self.number()?).ok()?;
        let at = self.at;
        self.take(len)?;
        Some(self.bytes.slice(at..at + len))
    }

    /// Reads a text as borrowed bytes.
    pub(super) fn name(&mut self) -> Option<&[u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&[u8]> {
        let part = self.bytes.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(part)
    }

    pub(super) fn rest(self) -> Bytes {
        self.bytes.slice(self.at..)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_values_are_read_back(number in any::<u64>(), text in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            let mut writer = ByteWriter(&mut out);
            writer.number(number);
            writer.text(&text);
            writer.time(Duration::from_millis(number >> 16));
            writer.rest(b"rest");
            let mut reader = ByteReader::new(out.into());
            prop_assert_eq!(reader.number(), Some(number));
            let read = reader.text();
            prop_assert_eq!(read.as_deref(), Some(&text[..]));
            prop_assert_eq!(reader.time(), Some(Duration::from_millis((number >> 16).min(1 << 50))));
            prop_assert_eq!(&reader.rest()[..], b"rest");
        }
    }
}
