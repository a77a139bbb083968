//! Credentials: the parts of a request that identify its client.

mod cookies;
mod headers;
mod rules;

pub(super) use self::headers::is_identity_header;
pub(crate) use self::rules::CredentialRules;
