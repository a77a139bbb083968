use super::*;
use crate::http::rfc::tests::headers;

type Lines = [(&'static str, &'static str)];

const DECLARED: StorageRules<'_> = StorageRules {
    statuses: &[StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE],
    obey_origin: false,
    is_private: false,
    is_shared: false,
    max_headers: 8_192,
};
const OBEY: StorageRules<'_> = StorageRules { statuses: &[], obey_origin: true, ..DECLARED };

fn judge(rules: &StorageRules<'_>, status: u16, request: &Lines, response: &Lines) -> Option<Refusal> {
    let response = headers(response);
    let directives = Directives::of(&response);
    let status = StatusCode::from_u16(status).unwrap();
    refusal(&headers(request), &Method::GET, rules, status, &response, &directives, true)
}

#[test]
fn only_get_is_stored() {
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::from_bytes(b"M-SEARCH").unwrap()] {
        let none = HeaderMap::new();
        for rules in [DECLARED, OBEY] {
            let told = refusal(&none, &method, &rules, StatusCode::OK, &none, &Directives::default(), true);
            assert_eq!(told, Some(Refusal::Method));
        }
    }
}

/// RFC 9111 section 3.
#[test]
fn responses_that_neither_mode_stores() {
    let credential: &Lines = &[("authorization", "x")];
    for rules in [DECLARED, OBEY] {
        for (status, request, response, wanted) in [
            (200, &[][..], &[][..], None),
            (304, &[], &[("cache-control", "max-age=5")], Some(Refusal::NotModified)),
            (206, &[], &[("cache-control", "max-age=5")], Some(Refusal::Partial)),
            (416, &[], &[("cache-control", "max-age=5")], Some(Refusal::Partial)),
            (200, &[], &[("cache-control", "max-age=5, no-store")], Some(Refusal::NoStore)),
            (599, &[], &[("cache-control", "no-store, must-understand")], Some(Refusal::NoStore)),
            (200, &[("cache-control", "no-store")], &[], Some(Refusal::NoStore)),
            (200, &[], &[("cache-control", "private, public")], Some(Refusal::Private)),
            (200, credential, &[("cache-control", "max-age=5")], Some(Refusal::Authorization)),
            (200, &[], &[("set-cookie", "a=b"), ("cache-control", "s-maxage=5")], Some(Refusal::SetCookie)),
            (200, &[], &[("vary", "a, *")], Some(Refusal::VaryAny)),
            (200, &[], &[("cache-control", "no-cache")], Some(Refusal::NoCache)),
            (200, &[], &[("pragma", "no-cache")], Some(Refusal::NoCache)),
            (100, &[], &[("cache-control", "max-age=5")], Some(Refusal::Status)),
            (201, &[], &[], Some(Refusal::Status)),
        ] {
            assert_eq!(judge(&rules, status, request, response), wanted, "{status} {request:?} {response:?}");
        }
    }
}

#[test]
fn declared_statuses_are_stored_but_never_server_errors() {
    for (status, wanted) in [
        (200, None),
        (404, None),
        (410, Some(Refusal::Status)),
        (500, Some(Refusal::Status)),
        (503, Some(Refusal::Status)),
    ] {
        assert_eq!(
            judge(&DECLARED, status, &[], &[("cache-control", "max-age=5, public")]),
            wanted,
            "{status}"
        );
    }
}

#[test]
fn without_obey_origin_only_declarations_count() {
    let credential: &Lines = &[("authorization", "x")];
    let public: &Lines = &[("cache-control", "public, s-maxage=5, must-revalidate")];
    assert_eq!(judge(&DECLARED, 200, credential, public), Some(Refusal::Authorization));
    assert_eq!(judge(&StorageRules { is_shared: true, ..DECLARED }, 200, credential, &[]), None);
    let private = StorageRules { is_private: true, ..DECLARED };
    assert_eq!(judge(&private, 200, credential, &[("cache-control", "private")]), None);
    let cookie: &Lines = &[("set-cookie", "a=b"), ("cache-control", "public")];
    assert_eq!(judge(&DECLARED, 200, &[], cookie), Some(Refusal::SetCookie));
    assert_eq!(judge(&private, 200, &[], cookie), Some(Refusal::SetCookie));
    let validated: &Lines = &[("cache-control", "no-cache"), ("etag", "\"a\"")];
    assert_eq!(judge(&DECLARED, 200, &[], validated), Some(Refusal::NoCache));
}

/// RFC 9111 section 3.
#[test]
fn with_obey_origin_only_the_response_counts() {
    let credential: &Lines = &[("authorization", "x")];
    for told in ["public", "s-maxage=5", "max-age=5, must-revalidate"] {
        let response = headers(&[("cache-control", told)]);
        let directives = Directives::of(&response);
        let ok = StatusCode::OK;
        assert_eq!(
            refusal(&headers(credential), &Method::GET, &OBEY, ok, &response, &directives, true),
            None
        );
    }
    assert_eq!(judge(&OBEY, 200, &[], &[("set-cookie", "a=b"), ("cache-control", "public")]), None);
    assert_eq!(judge(&OBEY, 200, &[], &[("cache-control", "no-cache"), ("etag", "\"a\"")]), None);
    assert_eq!(judge(&OBEY, 200, &[("cookie", "a=b")], &[("cache-control", "max-age=5")]), None);
}

/// RFC 9111 section 3.
#[test]
fn with_obey_origin_final_statuses_with_a_lifetime_are_stored() {
    for status in
        [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599, 999]
    {
        assert_eq!(judge(&OBEY, status, &[], &[("cache-control", "max-age=5")]), None, "{status}");
        assert_eq!(judge(&OBEY, status, &[], &[("expires", "0")]), None, "{status}");
    }
    for (status, told, wanted) in [
        (404, "", None),
        (501, "", None),
        (403, "", Some(Refusal::Status)),
        (599, "", Some(Refusal::Status)),
        (599, "public", None),
        (599, "max-age=5, must-understand", Some(Refusal::Status)),
        (302, "max-age=5, must-understand", None),
        (199, "max-age=5", Some(Refusal::Status)),
    ] {
        assert_eq!(judge(&OBEY, status, &[], &[("cache-control", told)]), wanted, "{status} {told}");
    }
    let listed = StorageRules { statuses: &[StatusCode::FORBIDDEN], ..OBEY };
    assert_eq!(judge(&listed, 403, &[], &[]), None);
}

#[test]
fn a_response_without_a_lifetime_and_a_validator_is_not_stored() {
    let told = |response: &HeaderMap| {
        let directives = Directives::of(response);
        refusal(&HeaderMap::new(), &Method::GET, &OBEY, StatusCode::OK, response, &directives, false)
    };
    assert_eq!(told(&headers(&[])), Some(Refusal::NoFreshness));
    assert_eq!(told(&headers(&[("etag", "\"a\"")])), None);
    assert_eq!(told(&headers(&[("last-modified", "x")])), None);
}

#[test]
fn large_heads_are_not_stored() {
    let rules = StorageRules { max_headers: 10, ..DECLARED };
    assert_eq!(judge(&rules, 200, &[], &[("a", "12345")]), None);
    assert_eq!(judge(&rules, 200, &[], &[("a", "123456")]), Some(Refusal::Headers));
    assert_eq!(judge(&rules, 200, &[], &[("a", "1"), ("a", "1")]), Some(Refusal::Headers));
}

#[test]
fn every_refusal_has_a_name_of_its_own() {
    let all = [
        Refusal::Method,
        Refusal::NotModified,
        Refusal::Partial,
        Refusal::NoStore,
        Refusal::Private,
        Refusal::Authorization,
        Refusal::SetCookie,
        Refusal::VaryAny,
        Refusal::NoCache,
        Refusal::Status,
        Refusal::NoFreshness,
        Refusal::Headers,
    ];
    for (i, refusal) in all.iter().enumerate() {
        assert!(refusal.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        assert!(all[..i].iter().all(|other| other.as_str() != refusal.as_str()));
    }
}

#[test]
fn responses_that_the_modes_judge_differently() {
    let range: &Lines = &[("content-range", "rubbish"), ("cache-control", "max-age=5")];
    assert_eq!(judge(&DECLARED, 200, &[], range), Some(Refusal::Partial));
    assert_eq!(judge(&OBEY, 200, &[], range), None);
    let understood: &Lines = &[("cache-control", "max-age=5, no-store, must-understand")];
    assert_eq!(judge(&DECLARED, 200, &[], understood), Some(Refusal::NoStore));
    assert_eq!(judge(&OBEY, 200, &[], understood), None);
    assert_eq!(judge(&OBEY, 200, &[("cache-control", "no-store")], understood), Some(Refusal::NoStore));
    let cookie: &Lines = &[("set-cookie", "a=b"), ("cache-control", "max-age=5")];
    assert_eq!(judge(&OBEY, 200, &[], cookie), Some(Refusal::SetCookie));
}
