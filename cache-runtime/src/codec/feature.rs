//! The errors of encoding that are not those of a codec.

use crate::types::error::Error;

/// Returns the error of `setting = feature` in a build without that feature.
#[cold]
pub(super) fn feature_off(setting: &'static str, feature: &'static str) -> Error {
    let message = format!("{setting} = {feature} needs the feature `{feature}` of larder");
    Error::Encode { codec: feature, message, source: None }
}

/// Returns the error of a value whose `Serialize` panicked.
#[cold]
pub(super) fn panicked(codec: &'static str) -> Error {
    Error::Encode { codec, message: "`Serialize` panicked".to_owned(), source: None }
}
