//! The traits through which the engine encodes and decodes values.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::decode_error::DecodeError;
use super::fingerprint::fingerprint;
use super::{Codec, StoredForm};
use crate::types::error::Error;
use crate::types::windows::StaleWindows;

/// A type that can become bytes: every `Serialize` type, and types with a form of their own.
#[doc(hidden)]
pub trait Encode {
    /// Returns the form of a value of this type under a policy with `codec`.
    fn form(codec: Codec) -> StoredForm;

    /// Appends the value in this form to `out`.
    ///
    /// # Errors
    /// The form cannot hold the value.
    fn encode(&self, form: StoredForm, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// A type that can be made of bytes: every `DeserializeOwned` type, and types with a form of their own.
#[doc(hidden)]
pub trait Decode: Sized {
    /// True if values are [shared](Decode::shared).
    const IS_SHARED: bool = false;

    /// Returns the value that `bytes`, a part of `whole`, hold in this form, if they hold one and nothing else.
    ///
    /// # Errors
    /// They hold something else.
    fn decode(form: StoredForm, bytes: &[u8], whole: &Bytes) -> Result<Self, DecodeError>;

    /// Returns a hash of the type's shape if this form stores values by position; else 0.
    fn shape(_: StoredForm) -> u64 {
        0
    }

    /// Returns `false` for a type whose values can be encoded and not decoded.
    fn is_bounded(_: StoredForm) -> bool {
        true
    }

    /// Returns a number for the type as this form stores it.
    fn fingerprint(form: StoredForm) -> u64;

    /// Returns this value as the memory of this process holds it beside its bytes, for a type that is shared and not decoded
    /// for each hit.
    fn shared(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    /// Returns a value that was [shared](Decode::shared).
    fn of_shared(_: &(dyn Any + Send + Sync)) -> Option<Self> {
        None
    }

    /// Returns how long after its expiry this value may be used, for a type whose values decide that.
    fn windows(&self) -> Option<StaleWindows> {
        None
    }

    /// Returns `false` for a value that is never refreshed ahead of its expiry, whatever the policy says.
    fn refreshes_ahead(&self) -> bool {
        true
    }

    /// Returns the longest encoded form that is cached, where the builder's limit is `limit`.
    fn limit(limit: usize) -> usize {
        limit
    }
}

impl<T: Serialize + ?Sized> Encode for T {
    fn form(codec: Codec) -> StoredForm {
        StoredForm::Codec(codec)
    }

    fn encode(&self, form: StoredForm, out: &mut Vec<u8>) -> Result<(), Error> {
        match form {
            StoredForm::Codec(codec) => codec.encode(self, out),
            StoredForm::Response => {
                let message = "the value is no HTTP response".to_owned();
                Err(Error::Encode { codec: form.name(), message, source: None })
            }
        }
    }
}

impl<T: DeserializeOwned> Decode for T {
    #[inline]
    fn decode(form: StoredForm, bytes: &[u8], _: &Bytes) -> Result<Self, DecodeError> {
        match form {
            StoredForm::Codec(codec) => codec.decode(bytes),
            StoredForm::Response => Err(DecodeError::new("an HTTP response")),
        }
    }

    fn shape(form: StoredForm) -> u64 {
        match form {
            StoredForm::Codec(codec) => codec.shape::<Self>(),
            StoredForm::Response => 0,
        }
    }

    fn is_bounded(form: StoredForm) -> bool {
        match form {
            StoredForm::Codec(codec) => codec.is_bounded::<Self>(),
            StoredForm::Response => true,
        }
    }

    #[inline]
    fn fingerprint(form: StoredForm) -> u64 {
        match form {
            StoredForm::Codec(codec) => codec.fingerprint::<Self>(),
            StoredForm::Response => fingerprint::<Self>(),
        }
    }
}
