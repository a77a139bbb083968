//! Slot: one option of an attribute, set at most once.

use proc_macro2::Span;
use syn::{Error, Ident, Result};

/// The value of an option, and the span of the option's name.
pub(crate) struct Slot<T>(Option<(Span, T)>);

/// An option that is written without the option that it needs.
pub(crate) struct MissingCompanion {
    pub(crate) name: &'static str,
    /// The rest of the option in an example: `(..)`.
    pub(crate) value: &'static str,
    pub(crate) companion: &'static str,
    pub(crate) span: Span,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slot<T> {
    /// Stores `value`; a second one is an error at its name.
    pub(crate) fn set(&mut self, name: &Ident, value: T) -> Result<()> {
        if self.0.is_some() {
            return Err(Error::new(name.span(), format!("`{name}` is given twice; remove one of them")));
        }
        self.0 = Some((name.span(), value));
        Ok(())
    }

    /// The value, if the option is written.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// The span of the name, if the option is written.
    pub(crate) fn span(&self) -> Option<Span> {
        self.0.as_ref().map(|(span, _)| *span)
    }
}
