//! The random stamps of labels.

/// The random stamp of a label. An entry is valid only while its labels still have the stamps that they had when its
/// computation began, so replacing a stamp drops all entries of the label in one step.
pub(crate) type Stamp = [u8; 16];

/// The current stamps of several labels; `None` for a label without one.
pub(crate) type CurrentStamps = Box<[Option<Stamp>]>;

/// The stamps of several labels, each of which has one.
pub(crate) type Stamps = Box<[Stamp]>;
