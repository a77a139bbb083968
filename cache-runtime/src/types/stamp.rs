//! The random stamps of labels.

/// The random mark of a label. An entry is valid only while its labels still have the stamps that the entry was
/// computed under; replacing a stamp therefore drops everything under the label in one step.
pub(crate) type Stamp = [u8; 16];

/// The stamps of several labels as they are; `None` where a label has none.
pub(crate) type CurrentStamps = Box<[Option<Stamp>]>;

/// The stamps of several labels, each of which has one.
pub(crate) type Stamps = Box<[Stamp]>;
