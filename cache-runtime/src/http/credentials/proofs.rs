//! Headers that prove something about one request, and do not say whose it is.
//!
//! Their values change with each request, or may, so under `private` a key that holds them is never found again. They are
//! left out where the request has the credential that they belong to:
//!
//! - `DPoP` (RFC 9449) proves that the sender of a token holds its key. Each proof is used once (section 11.1), and comes
//!   with the token in `Authorization` under the scheme `DPoP` (section 7.1), which is bound to the key and identifies the
//!   user. Beside another scheme the proof counts: nothing binds it to that credential.
//! - A CSRF token proves that a request comes from a page of the site. It is checked against the session, which is in a
//!   cookie or in `Authorization`, and some frameworks make a new one for each request.
//!
//! Alone they count as credentials: an application may identify its users in a way that no RFC describes.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::rules::CredentialRules;

const DPOP: &str = "dpop";
const CSRF: [&str; 3] = ["csrf-token", "x-csrf-token", "x-xsrf-token"];

/// Returns whether a header may be a proof.
pub(in crate::http) fn is_proof_header(name: &HeaderName) -> bool {
    name == DPOP || CSRF.iter().any(|csrf| name == csrf)
}

impl CredentialRules {
    /// Returns whether a header of a request proves something beside the credential that it belongs to. A header that the
    /// builder names is a credential.
    pub(crate) fn is_proof(&self, name: &HeaderName, request: &HeaderMap) -> bool {
        if !is_proof_header(name) || self.has_named(name) {
            return false;
        }
        let authorization = request.get(header::AUTHORIZATION);
        if name == DPOP {
            return authorization.is_some_and(has_dpop_scheme);
        }
        let is_token = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"fetch");
        // `Fetch` is no token: it asks for a response with one.
        request.get_all(name).iter().all(is_token)
            && (authorization.is_some() || self.is_credential(&header::COOKIE, request))
    }
}

fn has_dpop_scheme(value: &HeaderValue) -> bool {
    let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(DPOP.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_left_out_beside_its_credential_only() {
        let rules = CredentialRules::new(&[], &[], false).expect("rules");
        for (name, value, beside, is_proof) in [
            ("dpop", "eyJ", &[][..], false),
            ("dpop", "eyJ", &[("authorization", "DPoP token")], true),
            ("dpop", "eyJ", &[("authorization", "dpop token")], true),
            ("dpop", "eyJ", &[("authorization", "Bearer token")], false),
            ("dpop", "eyJ", &[("authorization", "DPoPx token")], false),
            ("dpop", "eyJ", &[("cookie", "sid=1")], false),
            ("x-csrf-token", "a", &[], false),
            ("x-csrf-token", "a", &[("cookie", "sid=1")], true),
            ("x-xsrf-token", "a", &[("authorization", "Bearer token")], true),
            ("csrf-token", "a", &[("cookie", "_ga=1")], false),
            ("x-csrf-token", "Fetch", &[("cookie", "sid=1")], false),
            ("x-csrf-token", "a", &[("x-session", "1")], false),
            ("x-session", "a", &[("cookie", "sid=1")], false),
        ] {
            let mut request = HeaderMap::new();
            for (name, value) in beside.iter().chain(&[(name, value)]) {
                request.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(rules.is_proof(&HeaderName::from_static(name), &request), is_proof, "{request:?}");
        }
    }

    #[test]
    fn a_header_that_the_builder_names_is_no_proof() {
        let rules = CredentialRules::new(&["X-CSRF-Token".to_owned()], &[], false).expect("rules");
        let mut request = HeaderMap::new();
        request.insert("cookie", HeaderValue::from_static("sid=1"));
        request.insert("x-csrf-token", HeaderValue::from_static("a"));
        assert!(!rules.is_proof(&HeaderName::from_static("x-csrf-token"), &request));
    }
}
