//! The table of codecs: one line adds a codec.

use serde::{Serialize, de::DeserializeOwned};

use super::declare::codecs;
use super::decode_error::DecodeError;
use super::feature::{feature_off, panicked};
use super::format::Format;
use crate::rt::caught::caught;
use crate::types::error::Error;

codecs! {
    /// The form in which a value is stored.
    ///
    /// Every variant exists in every build; using one whose feature is off is an error that names the feature.
    #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Codec {
        /// JSON: readable in redis-cli and by any other program. JSON cannot hold infinite floats and `NaN`, maps
        /// whose keys are neither text nor numbers, and the difference between `None` and `Some(None)`.
        #[default]
        Json = 1, json;
        /// MessagePack with field names (feature `msgpack`): compact, and old entries survive a new
        /// `#[serde(default)]` field. It cannot hold the difference between `None` and `Some(None)`.
        MsgPack = 2, msgpack, feature "msgpack";
        /// Postcard (feature `postcard`): the smallest, by position. Entries of a struct whose fields changed are
        /// misses. Postcard cannot hold `flatten`, `untagged`, `tag = ".."`, `skip_serializing_if` and
        /// `serde_json::Value`.
        Postcard = 3, postcard, feature "postcard";
    }
}
