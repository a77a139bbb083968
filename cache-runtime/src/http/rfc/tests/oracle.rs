//! Every response that is stored and served here is also stored and served by another implementation of the RFC, the crate
//! `http-cache-semantics`. The cases below leave out where that crate is stricter:
//!
//! - the crate stores no response with an unknown status, even if it is fresh (section 3);
//! - `proxy-revalidate` makes a response stale from the start; here only stale ones are revalidated (section 5.2.2.8);
//! - `no-store` counts beside `must-understand` (section 5.2.2.3);
//! - a directive that is repeated with another value means `must-revalidate`; here the shorter lifetime counts (section
//!   4.2.1), which makes a difference to `max-stale`;
//! - `Pragma` counts beside `Cache-Control` (section 5.4);
//! - directives must be in lower case (section 5.2: any case) and are found in quoted strings, a line with one letter that is
//!   not ASCII is ignored, a number above 2^64 is no number (section 1.2.2), and only the first of the three forms of a date
//!   is read (RFC 9110 section 5.6.7).

use std::{cell::Cell, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{at, date};
use crate::http::rfc::{
    directives::{Directives, RequestDirectives},
    freshness, list,
    preference::{self, StoredAge},
    storable::{self, StorageRules},
};

#[derive(Debug)]
struct Case {
    method: Method,
    request: HeaderMap,
    status: StatusCode,
    response: HeaderMap,
    elapsed: Duration,
}

#[test]
fn never_more_permissive_than_the_other_implementation() {
    let served = Cell::new(0);
    let config = Config { cases: 4_096, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&case(), |case| {
        if is_served(&case) && !is_doubtful(&case) {
            prop_assert!(is_served_by_the_other(&case));
            served.set(served.get() + 1);
        }
        Ok(())
    });
    told.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(served.get() > 300, "only {} cases say anything", served.get());
}

/// Returns whether `must-understand` overrides `no-store`, or the client accepts stale responses and a directive is
/// repeated.
fn is_doubtful(case: &Case) -> bool {
    let directives = Directives::of(&case.response);
    let members = list::members(&case.response, &header::CACHE_CONTROL);
    let mut names: Vec<_> = members
        .filter_map(|member| member.split(|byte| *byte == b'=').next())
        .map(<[u8]>::trim_ascii_end)
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    (directives.must_understand && directives.no_store)
        || names.len() < all && RequestDirectives::of(&case.request).max_stale.is_some()
}

/// Returns whether the response would be stored and then served for the same request.
fn is_served(case: &Case) -> bool {
    let received = at(0);
    let directives = Directives::of(&case.response);
    let life = freshness::explicit(&case.response, &directives, received)
        .or_else(|| freshness::heuristic(case.status, &case.response, &directives, received));
    let rules = StorageRules {
        statuses: &[],
        obey_origin: true,
        is_private: false,
        is_shared: false,
        max_headers: usize::MAX,
    };
    let (request, response) = (&case.request, &case.response);
    let refused =
        storable::refusal(request, &case.method, &rules, case.status, response, &directives, life.is_some());
    let age = freshness::initial_age(response, received, received) + case.elapsed;
    let life = life.unwrap_or_default();
    let standing = StoredAge { age, left: life.checked_sub(age), stale_for: age.saturating_sub(life) };
    refused.is_none() && preference::accepts(&RequestDirectives::of(request), &directives, standing)
}

fn is_served_by_the_other(case: &Case) -> bool {
    let mut request = Request::builder().method(&case.method).uri("/x").body(()).expect("a request");
    *request.headers_mut() = case.request.clone();
    let mut response = Response::builder().status(case.status).body(()).expect("a response");
    *response.headers_mut() = case.response.clone();
    let options = CacheOptions { shared: true, ..CacheOptions::default() };
    let policy = CachePolicy::new_options(&request, &response, at(0), options);
    policy.is_storable()
        && matches!(policy.before_request(&request, at(0) + case.elapsed), BeforeRequest::Fresh(_))
}

fn case() -> impl Strategy<Value = Case> {
    let method = prop_oneof![8 => Just(Method::GET), 1 => Just(Method::HEAD), 1 => Just(Method::POST)];
    let status =
        prop::sample::select(&[200_u16, 200, 200, 203, 204, 300, 301, 302, 307, 404, 410, 501, 206][..])
            .prop_map(|status| StatusCode::from_u16(status).expect("three digits"));
    // Half a second, because the two disagree about the last instant of a lifetime.
    let elapsed = (0_u64..120).prop_map(|secs| Duration::from_millis(secs * 1_000 + 500));
    (method, request(), status, response(), elapsed).prop_map(
        |(method, request, status, response, elapsed)| Case { method, request, status, response, elapsed },
    )
}

fn request() -> impl Strategy<Value = HeaderMap> {
    let directive = prop::sample::select(
        &[
            "no-cache",
            "NO-STORE",
            "no-store",
            "max-age=0",
            "max-age=60",
            "max-age=600",
            "max-age=abc",
            "min-fresh=30",
            "min-fresh=500",
            "max-stale",
            "max-stale=30",
            "max-stale=\"100\"",
            "max-stale=x",
            "only-if-cached",
            "x-no-cache-y",
            "",
        ][..],
    );
    let asked = lines(header::CACHE_CONTROL, list(directive, 0..3), 0..2);
    let pragma = lines(header::PRAGMA, Just("no-cache".to_owned()), 0..2);
    let first = prop_oneof![8 => Just(HeaderMap::new()), 4 => asked, 1 => pragma];
    let credential = prop_oneof![3 => Just(false), 1 => Just(true)];
    (first, credential).prop_map(|(mut headers, has_credential)| {
        if has_credential {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        }
        headers
    })
}

fn response() -> impl Strategy<Value = HeaderMap> {
    let directive = prop_oneof![
        6 => prop::sample::select(&["max-age=60", "max-age=100", "max-age=3600", "s-maxage=60", "public"][..]),
        1 => prop::sample::select(
            &[
                "no-store", "no-cache", "private", "private=\"set-cookie, x\"", "no-cache=\"a\"", "max-age=0",
                "max-age=-5", "max-age=1.5", "max-age", "max-age=\"300\"", "max-age=0090", "s-maxage=x",
                "must-revalidate", "must-understand", "immutable", "stale-while-revalidate=60", "x=\"y, z\"",
                "max-age=99999999999", "max-age =60", "max-age= 60", "x-no-store", "",
            ][..],
        ),
    ];
    let dates = prop::sample::select(&[-100_000_i64, -3_000, -60, 0, 60, 100, 3_000][..]);
    let dated =
        prop_oneof![6 => dates.prop_map(date), 1 => Just("0".to_owned()), 1 => Just("foo".to_owned())];
    let sent = prop_oneof![3 => Just(date(0)), 1 => dated.clone()];
    let ages = prop::sample::select(
        &["0", "0", "0", "5", "5", "30", "90", "7200", "abc", "-1", "1, 2", "99999999999"][..],
    );
    let others = [
        (header::VARY, "Accept"),
        (header::VARY, "Cookie"),
        (header::ETAG, "W/\"a\""),
        (header::VARY, "*"),
        (header::SET_COOKIE, "a=b"),
        (header::ETAG, "\"a\""),
        (header::PRAGMA, "no-cache"),
    ];
    let other = prop::sample::select(others.to_vec());
    let parts = (
        lines(header::CACHE_CONTROL, list(directive, 0..4), 0..3),
        lines(header::EXPIRES, dated.clone(), 0..2),
        lines(header::DATE, sent, 0..2),
        lines(header::LAST_MODIFIED, dated, 0..2),
        lines(header::AGE, ages.prop_map(str::to_owned), 0..2),
        prop::collection::vec(other, 0..2),
    );
    parts.prop_map(|(control, expires, sent, modified, age, other)| {
        let mut headers: HeaderMap = control;
        for (name, value) in [&expires, &sent, &modified, &age].into_iter().flatten() {
            headers.append(name, value.clone());
        }
        for (name, value) in other {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    })
}

fn list(
    members: impl Strategy<Value = &'static str>,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = String> {
    prop::collection::vec(members, count).prop_map(|members| members.join(", "))
}

fn lines(
    name: HeaderName,
    value: impl Strategy<Value = String>,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = HeaderMap> {
    prop::collection::vec(value, count).prop_map(move |values| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::try_from(value).expect("a legal value"));
        }
        headers
    })
}
