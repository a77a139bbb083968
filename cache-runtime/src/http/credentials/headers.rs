//! The request headers that identify a client, beside `Authorization` and `Cookie`.

/// Headers of applications, API gateways and authenticating proxies.
pub(super) const IDENTITY_HEADERS: &[&str] = &[
    // Tokens, keys and sessions that clients send.
    "access-token",
    "api-key",
    "api-token",
    "apikey",
    "auth-token",
    "authentication",
    "csrf-token",
    "dpop",
    "id-token",
    "ocp-apim-subscription-key",
    "private-token",
    "proxy-authorization",
    "session",
    "session-id",
    "session-token",
    "sessionid",
    "sid",
    "token",
    "uid",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-apikey",
    "x-auth",
    "x-authorization",
    "x-csrf-token",
    "x-device-id",
    "x-functions-key",
    "x-goog-api-key",
    "x-hasura-admin-secret",
    "x-id-token",
    "x-jwt",
    "x-parse-session-token",
    "x-refresh-token",
    "x-service-token",
    "x-session",
    "x-session-id",
    "x-session-key",
    "x-session-token",
    "x-sessionid",
    "x-shopify-access-token",
    "x-sid",
    "x-subject-token",
    "x-token",
    "x-user-token",
    "x-xsrf-token",
    "x-zumo-auth",
    // Users, as services behind a gateway receive them.
    "x-account",
    "x-account-id",
    "x-current-user",
    "x-customer-id",
    "x-email",
    "x-hasura-role",
    "x-hasura-user-id",
    "x-login",
    "x-member-id",
    "x-principal",
    "x-subject",
    "x-user",
    "x-user-claims",
    "x-user-email",
    "x-user-groups",
    "x-user-id",
    "x-user-info",
    "x-user-name",
    "x-user-role",
    "x-user-roles",
    "x-userid",
    "x-userinfo",
    "x-username",
    // oauth2-proxy, Traefik, nginx, Envoy, Istio.
    "x-forwarded-access-token",
    "x-forwarded-authorization",
    "x-forwarded-client-cert",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-id-token",
    "x-forwarded-name",
    "x-forwarded-preferred-username",
    "x-forwarded-roles",
    "x-forwarded-user",
    "x-forwarded-username",
    "x-jwt-assertion",
    "x-jwt-claims",
    "x-jwt-payload",
    "x-original-authorization",
    "x-serverless-authorization",
    // Authelia, Shibboleth, Apache, Kubernetes, WebSEAL, SiteMinder.
    "impersonate-group",
    "impersonate-uid",
    "impersonate-user",
    "iv-creds",
    "iv-groups",
    "iv-user",
    "oam-remote-user",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "shib-session-id",
    "sm-user",
    "x-proxy-user",
    "x-remote-group",
    "x-remote-groups",
    "x-remote-user",
    // API gateways of clouds.
    "x-apigateway-api-userinfo",
    "x-endpoint-api-userinfo",
    "x-goog-iap-jwt-assertion",
    // Client certificates (RFC 9440, and what proxies send in its place).
    "client-cert",
    "client-cert-chain",
    "x-arr-clientcert",
    "x-client-cert",
    "x-client-certificate",
    "x-client-dn",
    "x-client-verify",
    "x-ssl-cert",
];

/// The starts of names that identify a client, each of at least six bytes.
pub(super) const IDENTITY_PREFIXES: &[&str] = &[
    "cf-access-",
    "ssl-client-",
    "tailscale-user-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-auth-",
    "x-authenticated-",
    "x-authentik-",
    "x-consumer-",
    "x-credential-",
    "x-forwarded-tls-client-",
    "x-goog-authenticated-user-",
    "x-ms-client-principal",
    "x-ms-token-",
    "x-pomerium-",
    "x-remote-extra-",
    "x-ssl-client-",
    "x-vouch-",
    "x-webauth-",
];

/// The first and the last bytes of the names of each length: nearly all other headers are told apart without a comparison of
/// texts.
const END_BYTES: [(u64, u64); 64] = {
    let mut filter = [(0, 0); 64];
    let mut at = 0;
    while at < IDENTITY_HEADERS.len() {
        let name = IDENTITY_HEADERS[at].as_bytes();
        filter[name.len()].0 |= bit(name[0]);
        filter[name.len()].1 |= bit(name[name.len() - 1]);
        at += 1;
    }
    filter
};

/// The sixth bytes of the prefixes with each third byte.
const PREFIX_BYTES: [u64; 64] = {
    let mut filter = [0; 64];
    let mut at = 0;
    while at < IDENTITY_PREFIXES.len() {
        let name = IDENTITY_PREFIXES[at].as_bytes();
        filter[low(name[2])] |= bit(name[5]);
        at += 1;
    }
    filter
};

/// Returns whether a header, by its name in lower case, identifies a client. `Authorization` and `Cookie` are not among them.
pub(crate) fn is_identity_header(name: &str) -> bool {
    let bytes = name.as_bytes();
    let may_be_listed = || {
        let (first, last) = END_BYTES.get(bytes.len())?;
        Some(first & bit(*bytes.first()?) != 0 && last & bit(*bytes.last()?) != 0)
    };
    let may_have_prefix = || Some(PREFIX_BYTES[low(*bytes.get(2)?)] & bit(*bytes.get(5)?) != 0);
    (may_be_listed().unwrap_or(false) && IDENTITY_HEADERS.contains(&name))
        || (may_have_prefix().unwrap_or(false)
            && IDENTITY_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

const fn low(byte: u8) -> usize {
    (byte & 63) as usize
}

const fn bit(byte: u8) -> u64 {
    1 << (byte & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_headers_are_recognised_and_others_are_not() {
        for name in IDENTITY_HEADERS {
            assert!(is_identity_header(name), "{name}");
        }
        for prefix in IDENTITY_PREFIXES {
            assert!(prefix.len() > 5 && is_identity_header(&format!("{prefix}x")), "{prefix}");
            assert!(!is_identity_header(&prefix[1..]), "{prefix}");
        }
        for name in [
            "",
            "a",
            "host",
            "accept",
            "accept-encoding",
            "accept-language",
            "user-agent",
            "referer",
            "origin",
            "via",
            "te",
            "x-request-id",
            "x-real-ip",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "forwarded",
            "cf-connecting-ip",
            "cf-ray",
            "sec-fetch-site",
            "upgrade-insecure-requests",
            "x-user-agent",
            "x-tenant",
            "x-requested-with",
            "if-none-match",
            "priority",
            "traceparent",
            "x-amzn-trace-id",
            "x-cloud-trace-context",
        ] {
            assert!(!is_identity_header(name), "{name}");
        }
    }

    #[test]
    fn the_page_on_http_lists_them() {
        let page = include_str!("../../../../docs/http.md");
        let list =
            page.split("### Headers that identify a client").nth(1).and_then(|list| list.split("\n#").next());
        let listed: Vec<&str> = list.unwrap_or_default().split('`').skip(1).step_by(2).collect();
        let families = IDENTITY_PREFIXES.iter().map(|prefix| format!("{prefix}*"));
        let wanted: Vec<String> =
            IDENTITY_HEADERS.iter().map(|name| (*name).to_owned()).chain(families).collect();
        assert_eq!(listed, wanted);
    }
}
