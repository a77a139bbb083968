//! The error of a setting whose feature is off.

use crate::types::error::Error;

/// Returns the error of `setting = feature` in a build without that feature.
#[cold]
pub(super) fn feature_off(setting: &'static str, feature: &'static str) -> Error {
    let message = format!("{setting} = {feature} needs the feature `{feature}` of larder");
    Error::Encode { codec: feature, message, source: None }
}
