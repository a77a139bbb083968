//! The trait behind a codec.

use std::error::Error;

use serde::{Serialize, de::DeserializeOwned};

use super::decode_error::DecodeError;
use super::fingerprint::fingerprint;

/// A data format of serde: implemented once for each codec, by a unit struct in the codec's own file.
pub(super) trait Format {
    /// The error of a value that cannot be encoded.
    type Error: Error + Send + Sync + 'static;

    /// `true` when [`Format::fingerprint`] deserializes the type. Such a format cannot store a value whose type only has
    /// `Serialize`.
    const FINGERPRINT_DECODES: bool = false;

    /// Appends the encoded value to `out`.
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Returns the value that `bytes` hold, if they hold one and nothing else. Panics only if the type's `Deserialize` does.
    /// The depth of the recursion is limited.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError>;

    /// Returns a hash of the shape of `T` for a format that stores values by position; 0 for one that names fields.
    fn shape<T: DeserializeOwned>() -> u64 {
        0
    }

    /// Returns `false` for a type whose values can exceed the limits of [`Format::decode`], so that not all that is encoded
    /// can be decoded.
    fn is_bounded<T: DeserializeOwned>() -> bool {
        true
    }

    /// Returns the fingerprint of `T`. The type's name is enough for a format that names fields and so detects a
    /// changed struct itself.
    fn fingerprint<T: DeserializeOwned>() -> u64 {
        fingerprint::<T>()
    }
}
