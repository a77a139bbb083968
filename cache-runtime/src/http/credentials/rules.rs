//! The credentials that a cache knows.

use std::fmt;

use http::{HeaderMap, HeaderName, header};

use crate::types::error::Error;

use super::cookies::{HarmlessCookies, name};
use super::headers::{IDENTITY_HEADERS, IDENTITY_PREFIXES, is_identity_header};

/// The context of the fingerprint: no other use of the hash has the same.
const CONTEXT: &str = "larder credential rules 1";

/// The credentials that a cache knows: `Authorization`, cookies that are not harmless, and identity headers.
pub(crate) struct CredentialRules {
    /// `Builder::credential_headers`.
    own_headers: Box<[HeaderName]>,
    harmless: HarmlessCookies,
    /// Differs for caches with other rules.
    fingerprint: [u8; 32],
}

impl CredentialRules {
    /// The known headers with those of the builder, and its harmless cookies: beside the well-known ones, or in their place.
    pub(crate) fn new(headers: &[String], cookies: &[String], replaces: bool) -> Result<Self, Error> {
        let parse = |name: &String| {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            parsed.map_err(|_| {
                Error::config(
                    "credential_headers",
                    name,
                    "is not the name of a header; write one such as `X-Session`",
                )
            })
        };
        let mut own_headers = headers.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        own_headers.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        own_headers.dedup();
        let harmless = HarmlessCookies::new(cookies, replaces)?;
        let own = own_headers.iter().map(HeaderName::as_str);
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        for list in [
            IDENTITY_HEADERS.join("\n"),
            IDENTITY_PREFIXES.join("\n"),
            own.collect::<Vec<_>>().join("\n"),
            harmless.text(),
        ] {
            write(&mut hasher, list.as_bytes());
        }
        Ok(Self { own_headers: own_headers.into(), harmless, fingerprint: hasher.finalize().into() })
    }

    /// Returns whether headers beside the well-known ones are credentials.
    pub(crate) fn has_own_headers(&self) -> bool {
        !self.own_headers.is_empty()
    }

    /// Returns whether the builder names a header.
    pub(super) fn has_named(&self, name: &HeaderName) -> bool {
        self.own_headers.contains(name)
    }

    /// Returns whether a header may be a credential, whatever its value.
    pub(crate) fn knows(&self, name: &HeaderName) -> bool {
        name == header::AUTHORIZATION
            || name == header::COOKIE
            || is_identity_header(name.as_str())
            || self.own_headers.contains(name)
    }

    /// Returns whether a header of a request is a credential.
    pub(crate) fn is_credential(&self, name: &HeaderName, request: &HeaderMap) -> bool {
        self.knows(name) && (name != header::COOKIE || self.harmless.others(request).next().is_some())
    }

    /// The name of the first cookie that may identify the user, if it has a name.
    pub(crate) fn cookie_name<'h>(&'h self, request: &'h HeaderMap) -> Option<&'h str> {
        name(self.harmless.others(request).next()?)
    }

    /// Adds the credentials of a request to a hash. `names` are sorted.
    pub(crate) fn write_credentials(
        &self,
        names: &[&HeaderName],
        request: &HeaderMap,
        hasher: &mut blake3::Hasher,
    ) {
        hasher.update(&self.fingerprint);
        for name in names {
            write(hasher, name.as_str().as_bytes());
            if **name == header::COOKIE {
                self.write_cookies(request, hasher);
            } else {
                let lines = request.get_all(*name);
                hasher.update(&(lines.iter().count() as u64).to_le_bytes());
                lines.iter().for_each(|line| write(hasher, line.as_bytes()));
            }
        }
    }

    /// Adds the cookies of a request to a hash, without the harmless ones.
    pub(crate) fn write_cookies(&self, request: &HeaderMap, hasher: &mut blake3::Hasher) {
        hasher.update(&self.fingerprint);
        hasher.update(&(self.harmless.others(request).count() as u64).to_le_bytes());
        self.harmless.others(request).for_each(|cookie| write(hasher, cookie));
    }
}

/// Adds bytes and their length to a hash.
fn write(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

impl fmt::Debug for CredentialRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialRules").field("own_headers", &self.own_headers).finish_non_exhaustive()
    }
}
