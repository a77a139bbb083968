//! Random bytes that nobody can guess.

use crate::types::error::Error;

/// Returns random bytes of the operating system.
///
/// # Errors
/// [`Error::Unavailable`] if the system has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::unavailable(format!("the system has no random bytes: {error}")))?;
    Ok(bytes)
}
