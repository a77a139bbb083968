//! Tokens that end before they expire.

mod checks;
mod deployments;
mod local;
mod outage;
mod refresh;

use std::time::{SystemTime, UNIX_EPOCH};

use larder::revoke::{Revocations, TokenRefused};

/// The seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

/// Returns `true` if a token of ada's is accepted, and an error if nothing is known.
async fn accepts(revocations: &Revocations, token: &str, generation: u64) -> Result<bool, TokenRefused> {
    match revocations.check("ada", token, generation).await {
        Ok(()) => Ok(true),
        Err(refused) if refused.is_revoked() => Ok(false),
        Err(refused) => Err(refused),
    }
}
