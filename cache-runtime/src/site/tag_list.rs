//! The result of `tags_with`: a list of texts, and one message for anything else.
//!
//! [`TagListProbe`] is probed like arguments (see [`crate::site::probe`]). The items of a list are any `Into<String>`, as `char` is: a
//! single text of which somebody takes the characters would be a tag for each of them.

use std::fmt;
use std::marker::PhantomData;

use super::late_tags::LateTags;

/// A probe for the type of the result.
pub struct TagListProbe<L>(PhantomData<fn() -> L>);

/// Starts the probe.
pub fn tag_list<L>(_: &L) -> TagListProbe<L> {
    TagListProbe(PhantomData)
}

impl<L> fmt::Debug for TagListProbe<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagListProbe")
    }
}

/// A text, in one of the forms that the items of a list can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the text of a tag",
    label = "a tag is a `String`, a `&str` or another `Into<String>`",
    note = "write the text, as in `tags_with = |user| [format!(\"user:{{}}\", user.id)]`"
)]
pub trait TagText: Into<String> {}
#[diagnostic::do_not_recommend]
impl<T: Into<String>> TagText for T {}

/// The message for the characters of a text.
#[diagnostic::on_unimplemented(
    message = "`tags_with` would have a tag for each character",
    label = "expected a list of texts",
    note = "write a list, also of one tag: `tags_with = |user| [format!(\"user:{{}}\", user.id)]`"
)]
pub trait NotCharacters {}

/// The message for what is no list.
#[diagnostic::on_unimplemented(
    message = "`tags_with` returns a list of tags, and `{Self}` is none",
    label = "expected a list of texts",
    note = "write a list, also of one tag: `tags_with = |user| [format!(\"user:{{}}\", user.id)]`"
)]
pub trait IsList {}

/// A list.
#[derive(Debug)]
pub struct Texts;
/// The characters of a text.
#[derive(Debug)]
pub struct Characters;
/// Any other type.
#[derive(Debug)]
pub struct NoList;

impl Texts {
    /// Returns the tags.
    pub fn late_tags<L: IntoIterator<Item: TagText>>(self, list: L) -> LateTags {
        LateTags::of(list)
    }
}
impl Characters {
    /// Reports the list.
    pub fn late_tags<L: NotCharacters>(self, _: L) -> LateTags {
        LateTags::default()
    }
}
impl NoList {
    /// Reports the result.
    pub fn late_tags<L: IsList>(self, _: L) -> LateTags {
        LateTags::default()
    }
}

/// First choice: the characters of a text.
pub trait ViaCharacters {
    /// Returns the kind.
    fn __cache_list(&self) -> Characters {
        Characters
    }
}
impl<L: IntoIterator<Item = char>> ViaCharacters for &&TagListProbe<L> {}

/// Second choice: any other list.
pub trait ViaTexts {
    /// Returns the kind.
    fn __cache_list(&self) -> Texts {
        Texts
    }
}
impl<L: IntoIterator> ViaTexts for &TagListProbe<L> {}

/// Last choice: any other type.
pub trait ViaNoList {
    /// Returns the kind.
    fn __cache_list(&self) -> NoList {
        NoList
    }
}
impl<L> ViaNoList for TagListProbe<L> {}
