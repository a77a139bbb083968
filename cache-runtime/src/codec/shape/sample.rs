//! The source of one sample value.

use super::error::Rejected;
use super::recorder::Recorder;
use super::samples::{EMPTY_DEPTH, MAX_DEPTH, MAX_REQUESTS};

/// A deserializer of one sample value.
pub(super) struct Sample<'a> {
    pub(super) recorder: &'a mut Recorder,
    pub(super) depth: usize,
}

impl<'a> Sample<'a> {
    pub(super) fn new(recorder: &'a mut Recorder) -> Self {
        Self { recorder, depth: 0 }
    }

    /// Returns `true` when a value that can be empty must be, so that the pass ends.
    pub(super) fn must_be_empty(&mut self) -> bool {
        let must_be = self.depth >= EMPTY_DEPTH || self.recorder.requests >= MAX_REQUESTS;
        self.recorder.is_unbounded |= must_be;
        must_be
    }

    /// Records a request for a value that takes bytes.
    pub(super) fn record_read(&mut self, kind: &str, name: &str, parts: &[&str]) {
        self.recorder.reads += 1;
        self.recorder.record(kind, name, parts);
    }

    /// Descends to the value inside this one.
    pub(super) fn inner(self) -> Result<Self, Rejected> {
        if self.depth >= MAX_DEPTH || self.recorder.requests >= 2 * MAX_REQUESTS {
            return Err(Rejected);
        }
        Ok(Self { depth: self.depth + 1, recorder: self.recorder })
    }
}
