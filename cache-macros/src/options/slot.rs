//! Slot: one option of an attribute, set at most once.

use proc_macro2::Span;
use syn::{Error, Ident, Result};

/// A value that may be written once, and where its key stands.
pub(crate) struct Slot<T>(Option<(Span, T)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slot<T> {
    /// Keeps `value`; a second one is an error on its key.
    pub(crate) fn set(&mut self, key: &Ident, value: T) -> Result<()> {
        if self.0.is_some() {
            return Err(Error::new(key.span(), format!("`{key}` is given twice; remove one of them")));
        }
        self.0 = Some((key.span(), value));
        Ok(())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Where the key stands, if the option was written.
    pub(crate) fn span(&self) -> Option<Span> {
        self.0.as_ref().map(|(span, _)| *span)
    }
}
