//! Codecs: how values become bytes and back.

mod codecs;
mod compress;
mod declare;
mod decode_error;
pub(crate) mod envelope;
mod feature;
pub(crate) mod fingerprint;
mod format;
mod json;
#[cfg(any(feature = "msgpack", feature = "postcard"))]
mod limits;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "postcard")]
mod postcard;
#[cfg(any(feature = "msgpack", feature = "postcard"))]
mod shape;
mod stored_form;
#[cfg(test)]
mod tests;
mod value;

pub use self::{codecs::Codec, compress::Compress};
pub(crate) use self::{
    decode_error::DecodeError,
    stored_form::StoredForm,
    value::{Decode, Encode},
};
