//! Text: readable keys and groups as templates write them.

use std::fmt::Display;

use crate::{error::Error, key::escape_value};

/// The text of a key or a group while a template writes it.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    error: Option<Error>,
}

impl Text {
    /// A part that is written in the attribute.
    pub fn literal(&mut self, text: &'static str) {
        self.text.push_str(text);
    }

    /// The value of an argument. `next` is what follows in the template: it is escaped in the value beside `:` and
    /// glob characters, so that two different lists of values never give one text.
    pub fn value<T: Display + ?Sized>(&mut self, value: &T, next: Option<char>) {
        if let Err(error) = escape_value(&mut self.text, &value, next) {
            self.error.get_or_insert(error);
        }
    }

    pub(crate) fn write(f: impl FnOnce(&mut Self)) -> Result<String, Error> {
        let mut text = Self::default();
        f(&mut text);
        match text.error {
            Some(error) => Err(error),
            None => Ok(text.text),
        }
    }
}
