//! Codecs: how values become bytes and back.

mod codecs;
mod compress;
mod declare;
pub(crate) mod envelope;
mod feature;
pub(crate) mod fingerprint;
mod format;
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "postcard")]
mod postcard;
mod stored_form;
#[cfg(test)]
mod tests;
mod value;

pub use self::{codecs::Codec, compress::Compress};
pub(crate) use self::{
    stored_form::StoredForm,
    value::{Decode, Encode},
};
