//! An invalidation that is still to be carried out.

use crate::observe::event_kind::InvalidatedBy;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::Label;

/// An invalidation, as the queue of pending ones has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PendingInvalidation {
    /// Removes one entry.
    Key(Box<str>),
    /// Drops a group.
    Group(Label),
    /// Drops a tag.
    Tag(Label),
    /// Removes all entries whose whole key matches a glob.
    Pattern(Box<str>),
    /// Removes the entries of these functions whose whole key matches a glob.
    Function { glob: Box<str>, of: FunctionFilter },
}

impl PendingInvalidation {
    /// Returns what it names: a whole key, the key of a stamp, a glob, the name of a function.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Key(text) | Self::Pattern(text) => text,
            Self::Function { of, .. } => of.name(),
            Self::Group(label) | Self::Tag(label) => label.as_str(),
        }
    }

    /// Returns the kind of what it names.
    pub(crate) fn by(&self) -> InvalidatedBy {
        match self {
            Self::Key(_) => InvalidatedBy::Key,
            Self::Group(_) => InvalidatedBy::Group,
            Self::Tag(_) => InvalidatedBy::Tag,
            Self::Pattern(_) => InvalidatedBy::Pattern,
            Self::Function { .. } => InvalidatedBy::Function,
        }
    }
}
