//! The shape of a type: the names and kinds that the type's `Deserialize` asks for, recorded and hashed.
//!
//! The hash is part of the fingerprint of values in postcard. Postcard stores values by position, so it would read the bytes of `{a: u32, b: u32}` as `{b: u32, a: u32}` without an
//! error. The names that `Deserialize` passes to its deserializer are enough to notice.
//!
//! Each pass deserializes the type from sample values: one element per sequence, every `Option` filled, and the next
//! variant of each enum until all have been visited. When the type rejects a text, the pass is repeated with other texts
//! (a date, an address), because a rejection hides everything behind it. When no sample is accepted, the recording ends
//! there: less is compared, but always the same.
//!
//! The record also tells whether the type has a bound: whether it is finite where no sequence is long, and each element of a
//! sequence has bytes.

mod access;
mod deserializer;
mod error;
mod passes;
mod recorder;
mod sample;
mod samples;
mod shapes;
#[cfg(test)]
mod tests;

pub(super) use self::shapes::shape_of;
