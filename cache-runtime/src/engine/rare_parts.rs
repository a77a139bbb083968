//! The parts that only some calls have.

use crate::types::error::Error;
use crate::types::key::Label;

/// The parts that only some calls have, boxed: most calls have none of them, and every hit drops this.
pub(super) struct RareParts(Option<Box<Rare>>);

#[derive(Default)]
pub(super) struct Rare {
    pub(super) group: Option<Box<str>>,
    pub(super) tags: Vec<Label>,
    /// `key = ".."`: names the entry in place of the arguments.
    pub(super) text: Option<String>,
    pub(super) error: Option<Error>,
}

impl RareParts {
    #[inline]
    pub(super) fn none() -> Self {
        Self(None)
    }

    #[inline]
    pub(super) fn are_none(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&Rare> {
        self.0.as_deref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self) -> Option<&mut Rare> {
        self.0.as_deref_mut()
    }

    /// Returns the parts, creating them at the first call.
    #[cold]
    pub(super) fn make(&mut self) -> &mut Rare {
        self.0.get_or_insert_default()
    }
}

impl Drop for RareParts {
    /// Leaves a single test to the calls without such parts.
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            free(self.0.take());
        }
    }
}

#[cold]
fn free(rare: Option<Box<Rare>>) {
    drop(rare);
}
