//! The tags that a value names: `tags_with`.

use crate::site::outcome::Shape;
use crate::types::error::Error;

/// The largest number of tags that one value may name.
pub(crate) const MAX_LATE_TAGS: usize = 64;

/// The tags that `tags_with` gives for one value, as texts of [`invalidate_tag`](crate::Cache::invalidate_tag).
#[derive(Debug, Default)]
pub struct LateTags(Vec<String>);

impl LateTags {
    /// Returns the tags of a list.
    pub(crate) fn of(list: impl IntoIterator<Item: Into<String>>) -> Self {
        Self(list.into_iter().map(Into::into).collect())
    }

    /// Returns an error for a closure whose items are of type `T`, if they are characters: a single text was meant.
    pub(crate) fn check<T>() -> Option<Error> {
        let are_characters = std::any::type_name::<T>() == std::any::type_name::<char>();
        are_characters.then(|| {
            let reason = "would be a tag for each character; return a list, also of one tag: `[format!(\"user:{id}\")]`";
            Error::config("tags", "the characters of a text", reason)
        })
    }

    /// Returns the texts.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0
    }
}

/// Returns the closure of `tags_with = ..`, with the type of its argument inferred from the shape.
pub fn tags_with<R, S: Shape<R>, F: Fn(&S::Value) -> LateTags>(_: &S, tags: F) -> F {
    tags
}

/// Returns the closure for an attribute without `tags_with`.
pub fn no_tags_with<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> LateTags + use<R, S> {
    |_| LateTags::default()
}
