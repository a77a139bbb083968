//! The groups whose memory is to be freed.

use std::collections::HashSet;

use crate::types::key::Label;

/// The groups whose memory is to be freed.
#[derive(Debug)]
pub(crate) enum DroppedGroups {
    /// These groups.
    These(HashSet<Label>),
    /// Any group may be among them.
    Any,
}

#[cfg_attr(
    not(any(feature = "redis", test)),
    expect(dead_code, reason = "memory frees the entries of all groups")
)]
impl DroppedGroups {
    /// Returns whether a group, whose label has this text, may be among them.
    pub(crate) fn contains(&self, group: &str) -> bool {
        match self {
            Self::These(groups) => groups.contains(group),
            Self::Any => true,
        }
    }
}
