//! The judgement of a value by the closures of the attribute. A closure that panics costs the entry, never the call.

use super::entry_op::EntryOp;
use crate::observe::trace;
use crate::rt::caught::caught;
use crate::site::late_tags::{LateTags, MAX_LATE_TAGS};
use crate::site::rules::ValueRules;
use crate::types::error::Error;
use crate::types::expire::{Expire, is_elapsed};
use crate::types::key::Label;

/// The reason why a value is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `unless` is true.
    Unless,
    /// `expire_with` gave no time that can be used.
    ExpireWith,
    /// A closure panicked.
    Panic,
}

impl Refused {
    /// The reason in one word, for events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unless => "unless",
            Self::ExpireWith => "expire-with",
            Self::Panic => "panic",
        }
    }
}

impl EntryOp<'_> {
    /// Returns the result of `expire_with` for a value, or the reason why the value is not stored.
    pub(crate) fn judge<V>(
        &self,
        value: &V,
        rules: &(impl ValueRules<V> + ?Sized),
    ) -> Result<Option<Expire>, Refused> {
        let panicked = |option| {
            self.panicked(option, "a result was not stored");
            Refused::Panic
        };
        if caught(|| rules.refuses(value)).ok_or_else(|| panicked("`unless`"))? {
            return Err(Refused::Unless);
        }
        match caught(|| rules.expiry(value)).ok_or_else(|| panicked("`expire_with`"))? {
            None => Ok(None),
            Some(Ok(expire)) => Ok(Some(expire)),
            Some(Err(error)) => {
                self.warn_of_expiry(&error);
                Err(Refused::ExpireWith)
            }
        }
    }

    /// Returns the tags that a value names, each once and without those that the call names, or the reason why the value is not
    /// stored: it could not be invalidated by a tag that is refused.
    pub(crate) fn late_tags<V>(
        &self,
        value: &V,
        rules: &(impl ValueRules<V> + ?Sized),
    ) -> Result<Vec<Label>, &'static str> {
        if !self.policy.late_tags {
            return Ok(Vec::new());
        }
        let tags = caught(|| rules.tags(value, self.key.as_str())).ok_or_else(|| {
            self.panicked("`tags_with`", "a result was not stored");
            Refused::Panic.as_str()
        })?;
        let texts = tags.map(LateTags::into_texts);
        let problem = match &texts {
            // `cache_many(of = ..)`: the entry is that of another function.
            None => {
                Some("`tags_with` is an option of the function of its entry, and not of this one".to_owned())
            }
            Some(texts) if texts.iter().any(String::is_empty) => {
                Some("`tags_with` gave an empty tag".to_owned())
            }
            Some(texts) if texts.len() > MAX_LATE_TAGS => {
                Some(format!("`tags_with` gave {} tags, and the limit is {MAX_LATE_TAGS}", texts.len()))
            }
            Some(_) => None,
        };
        if let Some(problem) = problem {
            self.warn_once("tags_with", || {
                format!("a result of `{}` was not stored: {problem}", self.function)
            });
            return Err("tags-with");
        }
        let mut labels: Vec<Label> = Vec::new();
        for label in texts.iter().flatten().map(|text| self.core.tag(text)) {
            if !labels.contains(&label) && !self.own_tags().contains(&label) {
                labels.push(label);
            }
        }
        Ok(labels)
    }

    /// Warns once per function about an expiry that is no time. Zero and less are times: the value is over already.
    fn warn_of_expiry(&self, error: &Error) {
        if !is_elapsed(error) {
            self.warn_once("expire_with", || {
                format!("a result of `{}` was not stored: `expire_with`: {error}", self.function)
            });
        }
    }

    /// Warns once per function that code of the user panicked, and names the consequence.
    pub(crate) fn panicked(&self, code: &str, consequence: &str) {
        self.warn_once("panic", || format!("{code} of `{}` panicked: {consequence}", self.function));
    }

    /// Warns once per function and topic.
    pub(crate) fn warn_once(&self, topic: &str, message: impl FnOnce() -> String) {
        self.core.stats.once(&format!("{topic} {}", self.function), || trace::warn(&message()));
    }
}
