//! The TLS parameters of a URL.

use super::parts::wrong;
use super::query::Query;
use crate::store::redis::tls::Tls;
use crate::types::error::Error;

/// Takes the TLS parameters, whose names begin with `prefix`: `?ca=PATH&cert=PATH&key=PATH&sni=NAME`.
///
/// # Errors
/// A parameter without a value.
pub(super) fn take(query: &mut Query, prefix: &str) -> Result<Tls, Error> {
    let mut value = |name: &str| {
        let name = [prefix, name].concat();
        match query.take(&name) {
            Some(value) if value.is_empty() => Err(wrong(&name, "the parameter has no value")),
            other => Ok(other),
        }
    };
    Ok(Tls::of_url(value("ca")?, value("cert")?, value("key")?, value("sni")?))
}
