//! `#[rate_limit("10/minute", by = "{user.id}")]`: its options, its checks and its code.
//!
//! ```text
//! // Input:   #[rate_limit("10/minute", by = "{user.id}")]
//! //          async fn send(user: &User, text: &str) -> Result<(), SendError> { BODY }
//! // Output:
//! async fn send(user: &User, text: &str) -> Result<(), SendError> {
//!     static __LARDER_LIMIT: FunctionLimit = FunctionLimit::new(&["10/minute"]);
//!     if let Err(__larder_limited) = __LARDER_LIMIT.call(name_of(&|| {}), |text| ..).check().await {
//!         return FromLimited::from_limited(__larder_limited);
//!     }
//!     BODY
//! }
//! ```

mod check;
mod expand;
mod model;
mod options;
mod rate;

use proc_macro2::TokenStream;

use self::model::LimitModel;
use crate::fallback;
use crate::verb::Verb;

/// Expands the attribute.
pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    match LimitModel::new(args, item.clone()) {
        Ok(model) => expand::function(&model),
        Err(error) => fallback::item(Verb::Limit, item, &error),
    }
}
