//! The computations and copies of this process that an invalidation ends.

use super::core::Core;
use super::pending_invalidation::PendingInvalidation;
use crate::types::key::{Label, glob_match};

impl Core {
    /// Drops the copies of an entry that this process has beside the store.
    pub(crate) fn forget(&self, key: &str) {
        self.near.forget(key);
        self.outage.forget(key);
    }

    /// Invalidates what this process computes and has cached beside the store.
    pub(super) fn void(&self, target: &PendingInvalidation) {
        match target {
            PendingInvalidation::Key(key) => {
                self.flights.void(key);
                self.forget(key);
            }
            PendingInvalidation::Group(label) => {
                let base = [label.as_str(), ":"].concat();
                self.flights.void_all(|key| key.starts_with(&base));
                self.void_labels(std::slice::from_ref(label));
            }
            PendingInvalidation::Tag(label) => {
                self.flights.void_tags(std::slice::from_ref(label));
                self.void_labels(std::slice::from_ref(label));
            }
            // Flights and copies do not tell their function.
            PendingInvalidation::Pattern(glob) | PendingInvalidation::Function { glob, .. } => {
                self.void_matching(glob);
                self.near.clear();
            }
        }
    }

    pub(super) fn void_labels(&self, labels: &[Label]) {
        self.near.forget_labels(labels);
        self.outage.forget_labels(labels);
    }

    fn void_matching(&self, pattern: &str) {
        self.flights.void_all(|key| glob_match(pattern, key));
        self.outage.forget_all(pattern);
    }
}
