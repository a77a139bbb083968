//! Labels: the keys of the stamps of groups and tags.

use std::borrow::Borrow;

/// The key of a stamp: `prefix:{group}` for a group, `prefix:{#tag}` for a tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Label(Box<str>);

/// The labels of one entry: its group, if any, and its tags.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Labels<'a> {
    pub(crate) group: Option<&'a str>,
    pub(crate) tags: &'a [Label],
}

impl Label {
    /// Creates a label from its whole text.
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Creates the label of a tag whose name is already escaped.
    pub(crate) fn tag(prefix: &str, name: &str) -> Self {
        Self([prefix, "{#", name, "}"].concat().into())
    }

    /// Returns the key of the count of tag invalidations under a prefix. No label ends like it.
    #[cfg(feature = "redis")]
    pub(crate) fn tag_count(prefix: &str) -> String {
        [prefix, "{}#tags"].concat()
    }

    /// Returns the prefix of a tag; `None` for a group.
    #[cfg(feature = "redis")]
    pub(crate) fn prefix_of_tag(&self) -> Option<&str> {
        self.0.find("{#").map(|end| &self.0[..end])
    }

    /// Returns the whole text, as in Redis.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the tag. Neither a prefix nor a name contains braces.
    pub(crate) fn tag_name(&self) -> &str {
        let name = self.0.find("{#").map_or("", |start| &self.0[start + 2..]);
        name.strip_suffix('}').unwrap_or(name)
    }
}

/// Compares as its text.
impl Borrow<str> for Label {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Returns the label of the group of a whole key, if it is in one.
#[cfg(feature = "redis")]
pub(crate) fn group_of<'k>(prefix: &str, key: &'k str) -> Option<&'k str> {
    let end = key.strip_prefix(prefix)?.strip_prefix('{')?.find("}:")?;
    key.get(..prefix.len() + end + 2)
}

impl<'a> Labels<'a> {
    /// Returns the whole texts, the group's first.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        self.group.into_iter().chain(self.tags.iter().map(Label::as_str))
    }

    /// Returns the number of labels.
    pub(crate) fn len(self) -> usize {
        usize::from(self.group.is_some()) + self.tags.len()
    }

    /// Returns `true` for an entry without labels.
    #[cfg(feature = "redis")]
    pub(crate) fn is_empty(self) -> bool {
        self.group.is_none() && self.tags.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_its_name() {
        assert_eq!(Label::tag("app:", "user:42").as_str(), "app:{#user:42}");
        assert_eq!(Label::tag("app:", "user:42").tag_name(), "user:42");
        assert_eq!(Label::tag("", "a#b").tag_name(), "a#b");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_key_names_its_group() {
        assert_eq!(group_of("app:", "app:{items}:1"), Some("app:{items}"));
        assert_eq!(group_of("", "{a}:{b}:1"), Some("{a}"));
        for key in ["app:items:1", "app:{items}", "other:{items}:1", "app:x{items}:1"] {
            assert_eq!(group_of("app:", key), None, "{key}");
        }
    }

    #[test]
    fn the_group_comes_first() {
        let tags = [Label::tag("", "a"), Label::tag("", "b")];
        let labels = Labels { group: Some("{g}"), tags: &tags };
        assert_eq!(labels.iter().collect::<Vec<_>>(), ["{g}", "{#a}", "{#b}"]);
        assert_eq!(labels.len(), 3);
        assert_eq!(Labels::default().len(), 0);
    }
}
