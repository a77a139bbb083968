//! The passes over a type.

use serde::de::DeserializeOwned;

use super::recorder::{Recorder, VariantCursor};
use super::sample::Sample;
use super::samples::{MAX_PASSES, TEXTS};
use crate::codec::fingerprint::Fnv;
use crate::rt::caught::caught;

/// The shape of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) struct TypeShape {
    /// A hash of the kinds, names and order of everything in the type.
    pub(in crate::codec) hash: u64,
    /// The type does not contain itself, and each element of its sequences takes bytes.
    pub(in crate::codec) is_bounded: bool,
}

/// Passes over the type until every variant was visited.
pub(super) fn record<T: DeserializeOwned>() -> TypeShape {
    let mut hash = Fnv::new();
    let mut cursors = Vec::new();
    let mut is_bounded = true;
    for _ in 0..MAX_PASSES {
        let (recorder, is_complete) = pass::<T>(&cursors);
        hash.write(&recorder.hash().to_le_bytes());
        is_bounded &= is_complete && !recorder.is_unbounded;
        cursors = recorder.cursors;
        if cursors.iter().all(VariantCursor::is_done) {
            return TypeShape { hash: hash.finish(), is_bounded };
        }
    }
    TypeShape { hash: hash.finish(), is_bounded: false }
}

/// Runs one pass, and repeats it with other texts while the type rejects them. Returns the record, and whether the type
/// accepted the sample.
fn pass<T: DeserializeOwned>(cursors: &[VariantCursor]) -> (Recorder, bool) {
    let mut picks = Vec::new();
    let mut attempts = 0;
    loop {
        let mut recorder = Recorder::new(cursors.to_vec(), picks);
        // A panic ends the recording as a rejection does.
        let is_done = caught(|| T::deserialize(Sample::new(&mut recorder)).is_ok()).unwrap_or(false);
        attempts += 1;
        // The last text that was asked for is the one that was rejected.
        let has_more = recorder.next_text(TEXTS.len());
        if is_done || !has_more || attempts == MAX_PASSES {
            return (recorder, is_done);
        }
        picks = recorder.picks;
    }
}
