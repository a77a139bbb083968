//! Hop-by-hop fields, which are about one connection (RFC 9110 section 7.6.1, RFC 9111 section 3.1).

use http::{
    HeaderMap, HeaderName,
    header::{
        AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION,
        CONTENT_RANGE, CONTENT_TYPE, COOKIE, DATE, ETAG, EXPIRES, HOST, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, PRAGMA, PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION, RANGE, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
    },
};

use super::list;

static HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The fields by which the cache decides. `Connection` must not name them (RFC 9110 section 7.6.1): that would hide a
/// credential, a `no-store` or a cookie from the cache.
static END_TO_END: [HeaderName; 23] = [
    AGE,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    DATE,
    ETAG,
    EXPIRES,
    HOST,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    LAST_MODIFIED,
    PRAGMA,
    RANGE,
    SET_COOKIE,
    VARY,
];

/// Removes the hop-by-hop fields and those that `Connection` names.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = list::members(headers, &CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !END_TO_END.contains(name))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// RFC 9110 section 7.6.1.
    #[test]
    fn hop_by_hop_fields_and_those_that_connection_names_are_removed() {
        let mut headers = HeaderMap::new();
        for name in &HOP_BY_HOP {
            headers.append(name, HeaderValue::from_static("x"));
        }
        for (name, value) in [
            ("connection", "close, A"),
            ("connection", "b,, \u{1}bad name, X-C"),
            ("a", "1"),
            ("b", "2"),
            ("b", "3"),
            ("x-c", "4"),
            ("d", "5"),
            ("proxy-status", "6"),
        ] {
            let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("b,,x-c"));
            headers.append(HeaderName::from_static(name), value);
        }
        strip(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["d", "proxy-status"]);
    }

    #[test]
    fn connection_cannot_hide_the_fields_by_which_the_cache_decides() {
        let mut headers = HeaderMap::new();
        for name in &END_TO_END {
            headers.append(name, HeaderValue::from_static("x"));
            headers.append(CONNECTION, HeaderValue::from_str(name.as_str()).unwrap());
        }
        strip(&mut headers);
        assert_eq!(headers.len(), END_TO_END.len());
    }
}
