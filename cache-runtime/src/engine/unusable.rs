//! Stored entries that cannot be used: of another type, damaged, or of another format.

use std::fmt;

use super::entry_op::EntryOp;
use super::turns::Takeover;
use crate::codec::envelope;
use crate::observe::event_kind::EventKind;

impl EntryOp<'_> {
    /// Counts bytes that are no envelope for this key. Damaged ones are replaced; only those of another version of larder may
    /// come back.
    pub(crate) fn foreign(&self, bytes: &[u8]) -> Option<Takeover> {
        if envelope::has_other_version(bytes) {
            return Some(self.unusable("of another version of larder"));
        }
        if !envelope::is_vacant(bytes) {
            self.record(EventKind::Unusable);
        }
        None
    }

    /// Counts an entry that cannot be used, for a reason that the codec gives, and decides whether a value is stored in its
    /// place.
    pub(crate) fn unusable(&self, reason: impl fmt::Display) -> Takeover {
        self.record(EventKind::Unusable);
        let takeover = self.core.turns.found(self.function, self.key.as_str());
        if let Takeover::Begins(pause) = takeover {
            self.warn_once("turns", || {
                format!(
                    "`{}` and others store entries in turn under the same keys, and cannot use one another's ({reason}): two releases whose types differ, or two functions with one key or name. `{}` stores nothing in their place for {pause:?}; write another `version = ..` in the newer one",
                    self.function, self.function
                )
            });
        }
        takeover
    }
}
