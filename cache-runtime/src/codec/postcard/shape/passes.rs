//! The passes over a type.

use serde::de::DeserializeOwned;

use super::recorder::{Recorder, VariantCursor};
use super::sample::Sample;
use super::samples::{MAX_PASSES, TEXTS};
use crate::codec::fingerprint::Fnv;

/// Returns a hash of the kinds, names and order of everything in `T`.
pub(in crate::codec::postcard) fn shape_of<T: DeserializeOwned>() -> u64 {
    let mut hash = Fnv::new();
    let mut cursors = Vec::new();
    for _ in 0..MAX_PASSES {
        let recorder = pass::<T>(&cursors);
        hash.write(&recorder.hash().to_le_bytes());
        cursors = recorder.cursors;
        if cursors.iter().all(VariantCursor::is_done) {
            break;
        }
    }
    hash.finish()
}

/// Runs one pass, and repeats it with other texts while the type rejects them.
fn pass<T: DeserializeOwned>(cursors: &[VariantCursor]) -> Recorder {
    let mut picks = Vec::new();
    let mut attempts = 0;
    loop {
        let mut recorder = Recorder::new(cursors.to_vec(), picks);
        let is_done = T::deserialize(Sample::new(&mut recorder)).is_ok();
        attempts += 1;
        // The last text that was asked for is the one that was rejected.
        let has_more = recorder.next_text(TEXTS.len());
        if is_done || !has_more || attempts == MAX_PASSES {
            return recorder;
        }
        picks = recorder.picks;
    }
}
