//! Errors: all mistakes in one attribute, reported together.

use std::fmt::Display;

use proc_macro2::Span;
use syn::{Error, Result};

/// The errors so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Adds an error.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds an error at `span`.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    /// The value of `result`, or `None` once its error is added.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Returns true if there is no error.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds all errors of `other`.
    pub(crate) fn extend(&mut self, other: Self) {
        if let Some(error) = other.0 {
            self.push(error);
        }
    }

    /// `value` if there is no error. A value that is missing without an error is one, too.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => value.ok_or_else(|| Error::new(Span::call_site(), "this attribute cannot be read")),
        }
    }
}

/// `a`, `b`, `c`, each in back-ticks.
pub(crate) fn list<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
