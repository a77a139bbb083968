//! Limits on requests: `by` identifies the client, `admit` asks the limit, `fields` and `refusal` make the response.

mod address;
mod admit;
mod by;
mod fields;
mod layer;
mod network;
mod refusal;
mod setters;
mod settings;

pub(super) use self::settings::RequestSettings;
pub use self::{
    by::{By, Identify},
    layer::{RateLimitLayer, RateLimitService},
    settings::Unidentified,
};
