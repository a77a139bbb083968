//! The form of a value in an envelope.

use super::Codec;

/// The number of [`StoredForm::Response`] in an envelope.
const RESPONSE: u8 = 4;

const _: () = assert!(Codec::from_id(RESPONSE).is_none(), "the number of responses is used by a codec");

/// The form of a value in an envelope: a codec's, or that of an HTTP response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredForm {
    /// A value of serde, encoded by this codec.
    Codec(Codec),
    /// An HTTP response: its head in larder's own format, then its body. The type implies this form; a policy cannot
    /// choose it.
    Response,
}

impl StoredForm {
    /// Returns the name that `inspect` reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Codec(codec) => codec.name(),
            Self::Response => "http",
        }
    }

    /// Returns the number that stands for this form in an envelope.
    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::Codec(codec) => codec.id(),
            Self::Response => RESPONSE,
        }
    }

    /// Returns the form with this number.
    pub(crate) const fn from_id(id: u8) -> Option<Self> {
        match Codec::from_id(id) {
            Some(codec) => Some(Self::Codec(codec)),
            None if id == RESPONSE => Some(Self::Response),
            None => None,
        }
    }
}
