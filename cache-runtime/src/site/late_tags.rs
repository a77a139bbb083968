//! The tags that a value names: `tags_with`.

use crate::site::outcome::Shape;

/// The largest number of tags that one value may name.
pub(crate) const MAX_LATE_TAGS: usize = 64;

/// The tags that `tags_with` gives for one value, as texts of [`invalidate_tag`](crate::Cache::invalidate_tag).
#[derive(Debug, Default)]
pub struct LateTags(Vec<String>);

impl LateTags {
    /// Returns the texts.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0
    }
}

/// Converts the result of `tags_with`.
pub fn late_tags<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> LateTags {
    LateTags(tags.into_iter().map(Into::into).collect())
}

/// Returns the closure of `tags_with = ..`, with the type of its argument inferred from the shape.
pub fn tags_with<R, S: Shape<R>, F: Fn(&S::Value) -> LateTags>(_: &S, tags: F) -> F {
    tags
}

/// Returns the closure for an attribute without `tags_with`.
pub fn no_tags_with<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> LateTags + use<R, S> {
    |_| LateTags::default()
}
