//! Tokens that end before they expire: `revocations` has the deny list and the generations of users, `refresh` the families of refresh
//! tokens. `ledger` decides (pure), `script` does the same in Redis, `token_store` asks either of them; `answers` are those that this
//! process may give again.

mod answers;
mod blocking;
mod check_rules;
mod ledger;
mod refresh;
mod refresh_token;
mod refused;
#[cfg(feature = "axum")]
mod response;
mod revocations;
mod rotation;
#[cfg(feature = "redis")]
mod script;
mod times;
mod token_check;
mod token_store;

pub use self::{
    blocking::{BlockingRefreshTokens, BlockingRevocations},
    check_rules::RevocationOutage,
    refresh::RefreshTokens,
    refresh_token::RefreshToken,
    refused::TokenRefused,
    revocations::Revocations,
    rotation::Rotation,
    token_check::{TokenCheck, TokenCheckFuture},
};
