//! No bytes of a client or a handler make a rule panic.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use proptest::prelude::*;

use super::at;
use crate::http::rfc::{
    conditional,
    directives::{Directives, RequestDirectives, extensions},
    etag, freshness, hop_by_hop, preference, range, revalidation, storable, unsafe_method, url, vary,
};

static NAMES: [HeaderName; 20] = [
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::AGE,
    header::DATE,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::ETAG,
    header::VARY,
    header::CONNECTION,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::LOCATION,
    header::CONTENT_LOCATION,
    header::CONTENT_ENCODING,
    header::HOST,
    header::SET_COOKIE,
    header::AUTHORIZATION,
    header::CONTENT_RANGE,
];

/// Bytes of all kinds, mostly those that parsers stop at.
fn value() -> impl Strategy<Value = HeaderValue> {
    let byte = prop_oneof![
        prop::sample::select(&b"\"\"\\,,=;:/ \t*W-0199%.#?@"[..]),
        any::<u8>().prop_filter("legal", |byte| (*byte >= 32 && *byte != 127) || *byte == b'\t'),
    ];
    let pieces = prop::sample::select(
        &[
            "max-age=",
            "no-store",
            "bytes=",
            "W/\"",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "http://h/",
            "..",
            "vary",
        ][..],
    );
    let bytes = prop::collection::vec(byte, 0..12);
    prop::collection::vec(prop_oneof![pieces.prop_map(|piece| piece.as_bytes().to_vec()), bytes], 0..4)
        .prop_map(|pieces| HeaderValue::from_bytes(&pieces.concat()).expect("legal bytes"))
}

fn map() -> impl Strategy<Value = HeaderMap> {
    let line = (prop::sample::select(&NAMES[..]), value());
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(name, value);
        }
        map
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_rule_panic(
        request in map(),
        response in map(),
        status in 100_u16..1000,
        (len, then) in (any::<u64>(), -100_i64..100),
        path in "/[!-~é]{0,12}",
    ) {
        let status = StatusCode::from_u16(status).expect("three digits");
        let directives = Directives::of(&response);
        // Joined in one line, the directives that pass through are the same.
        let passed = extensions(&response);
        if let Ok(line) = HeaderValue::from_bytes(&passed.join(&b", "[..])) {
            let joined = HeaderMap::from_iter([(header::CACHE_CONTROL, line)]);
            prop_assert_eq!(&extensions(&joined), &passed);
        }
        let wanted = RequestDirectives::of(&request);
        let left = freshness::explicit(&response, &directives, at(0))
            .or(freshness::heuristic(status, &response, &directives, at(0)));
        let age = freshness::initial_age(&response, at(then), at(0));
        preference::accepts(&wanted, &directives, preference::StoredAge { age, left, stale_for: age });
        for obey_origin in [false, true] {
            let rules = storable::StorageRules {
                statuses: &[StatusCode::OK],
                obey_origin,
                is_private: false,
                is_shared: false,
                max_headers: 100,
            };
            storable::refusal(&request, &Method::GET, &rules, status, &response, &directives, true);
        }
        conditional::not_modified(&request, &response);
        conditional::not_modified_headers(&response);
        etag::of_body(path.as_bytes(), response.get(header::CONTENT_ENCODING), false);
        if let range::Ranged::Part { first, last } = range::ranged(&request, &response, len) {
            prop_assert!(first <= last && last < len);
        }
        if let vary::Varies::By(names) = vary::of(&response) {
            prop_assert!(names.is_sorted_by(|a, b| a.as_str() < b.as_str()));
            for matching in [vary::Matching::Exact, vary::Matching::Accepted] {
                vary::digest(&names, &request, matching);
                vary::superset_digest(&names, &request, matching);
            }
        }
        if let Ok(uri) = path.parse::<Uri>() {
            let host = request.get(header::HOST);
            prop_assert!(unsafe_method::targets(&uri, host, &response).len() <= 3);
            let rules = url::UrlRules { authority: true, sort: true, allow: Some([path.clone()].into()) };
            let text = url::text(&uri, host.and_then(|host| host.to_str().ok()), &rules);
            prop_assert!(text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        let (mut asked, mut stored) = (request.clone(), response.clone());
        revalidation::ask(&mut asked, &response);
        revalidation::applies(&response, &request);
        revalidation::merge(&mut stored, &request);
        hop_by_hop::strip(&mut stored);
    }
}
