//! Arguments as bytes: one canonical, injective, self-delimiting encoding, and the hash of it.
//!
//! Every value starts with a byte that identifies its kind, and everything of variable length carries its length or an
//! end mark, so two different argument lists never give the same bytes. The encoding is frozen: the golden test fails
//! when a user's keys would change.
//!
//! Values that serde does not distinguish have the same encoding: integers of different widths (`1u8` is `1u64`; `1i64`
//! is another value) and newtypes with different names. A `HashSet` inside an argument arrives as a sequence in random
//! order; a set that is an argument of its own goes through [`KeyEncoder::set_part`].

mod arg_bytes;
mod arg_key;
mod compound;
mod digest;
mod encoder;
mod error;
mod marker;
mod serializer;
mod sink;
#[cfg(test)]
mod tests;

pub(crate) use self::arg_bytes::{ArgBytes, HEAD};
pub(crate) use self::digest::{hex, salt};
pub(crate) use self::encoder::KeyEncoder;
