//! Credentials: the parts of a request that identify its client.

mod cookies;
mod headers;
mod proofs;
mod rules;

pub(super) use self::headers::is_identity_header;
pub(super) use self::proofs::is_proof_header;
pub(crate) use self::rules::CredentialRules;
