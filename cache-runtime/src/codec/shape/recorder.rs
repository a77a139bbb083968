//! The record of one pass.

use crate::codec::fingerprint::Fnv;

/// The record of what a type asked for in one pass, and the choice of samples for it.
pub(super) struct Recorder {
    hash: Fnv,
    pub(super) cursors: Vec<VariantCursor>,
    /// The index of the sample for each text, in the order in which texts are asked for.
    pub(super) picks: Vec<usize>,
    /// The number of texts that were asked for.
    texts: usize,
    pub(super) requests: usize,
    /// The number of requests for values that take bytes.
    pub(super) reads: usize,
    /// The type contains itself, or sequences of values that take no bytes.
    pub(super) is_unbounded: bool,
    /// The enums around the current value, with their depth.
    open_enums: Vec<(usize, &'static str, &'static [&'static str])>,
}

/// The next variant of an enum to visit.
#[derive(Clone)]
pub(super) struct VariantCursor {
    name: &'static str,
    variants: &'static [&'static str],
    next: usize,
}

impl Recorder {
    pub(super) fn new(cursors: Vec<VariantCursor>, picks: Vec<usize>) -> Self {
        Self {
            hash: Fnv::new(),
            cursors,
            picks,
            texts: 0,
            requests: 0,
            reads: 0,
            is_unbounded: false,
            open_enums: Vec::new(),
        }
    }

    /// Returns the hash of the record.
    pub(super) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// Records a request: its kind and names, each behind its length.
    pub(super) fn record(&mut self, kind: &str, name: &str, parts: &[&str]) {
        self.requests += 1;
        for text in [kind, name].iter().chain(parts) {
            self.hash.write(&(text.len() as u64).to_le_bytes());
            self.hash.write(text.as_bytes());
        }
        self.hash.write(&(parts.len() as u64).to_le_bytes());
    }

    /// Returns the index of the sample for the next text.
    pub(super) fn pick(&mut self) -> usize {
        let at = self.texts;
        self.texts += 1;
        if at == self.picks.len() {
            self.picks.push(0);
        }
        self.picks.get(at).copied().unwrap_or(0)
    }

    /// Selects the next of `samples` for the last text that was asked for. Returns `false` when there is none.
    pub(super) fn next_text(&mut self, samples: usize) -> bool {
        self.picks.truncate(self.texts);
        self.picks.last_mut().is_some_and(|pick| {
            *pick += 1;
            *pick < samples
        })
    }

    /// Notes an enum at this depth. One inside itself has no bound.
    pub(super) fn open_enum(&mut self, depth: usize, name: &'static str, variants: &'static [&'static str]) {
        self.close_enums(depth);
        self.is_unbounded |= self.open_enums.iter().any(|(_, outer, all)| (*outer, *all) == (name, variants));
        self.open_enums.push((depth, name, variants));
    }

    /// Forgets the enums that a value at this depth is not inside of.
    pub(super) fn close_enums(&mut self, depth: usize) {
        self.open_enums.retain(|(outer, ..)| *outer < depth);
    }

    /// Returns the index of the next variant of an enum.
    pub(super) fn variant(&mut self, name: &'static str, variants: &'static [&'static str]) -> usize {
        let is_same = |cursor: &&mut VariantCursor| cursor.name == name && cursor.variants == variants;
        if let Some(cursor) = self.cursors.iter_mut().find(is_same) {
            cursor.next += 1;
            return (cursor.next - 1) % variants.len().max(1);
        }
        self.cursors.push(VariantCursor { name, variants, next: 1 });
        0
    }
}

impl VariantCursor {
    /// Returns `true` when every variant was visited.
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.variants.len()
    }
}
