//! The parameters of a URL.

use super::parts::{decode, harmless, wrong};
use crate::types::error::Error;

/// The parameters of a URL, each of which is taken by its name. What is left is unknown.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses `name=value&..`, the parameters of a URL.
    ///
    /// # Errors
    /// A value that cannot be decoded, and a name that is there twice.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut found: Vec<(String, String)> = Vec::new();
        // `query_pairs` would decode `+` as a space, which is wrong in a password.
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if found.iter().any(|(other, _)| other == name) {
                return Err(wrong(harmless(name), "the parameter is there twice"));
            }
            found.push((name.to_owned(), decode(value, "parameter")?));
        }
        Ok(Self(found))
    }

    /// Takes the value of a parameter, decoded.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Checks that no parameter is left; `known` says which there are.
    ///
    /// # Errors
    /// The name of a parameter that is left.
    pub(super) fn finish(self, known: &str) -> Result<(), Error> {
        match self.0.first() {
            Some((name, _)) => Err(wrong(harmless(name), &format!("unknown parameter; {known}"))),
            None => Ok(()),
        }
    }
}
