//! Random requests and responses.

use axum::http::StatusCode;
use larder::Cache;
use larder::http::ResponseCacheLayer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::wire::{Origin, response};

/// The place of the layer that is `private` among [`layers`].
pub(super) const PRIVATE: usize = 2;

/// The layers that receive garbage.
pub(super) fn layers(cache: &Cache) -> Vec<ResponseCacheLayer> {
    let minute = ResponseCacheLayer::new().expire("1m").cache(cache);
    vec![
        minute.clone(),
        minute.clone().shared().stale_while_revalidate("1m").stale_if_error("1m"),
        minute.clone().private(),
        minute.vary(["x-a"]).query_allow(["a"]).authority(true).expire_status(StatusCode::NOT_FOUND, "1m"),
        ResponseCacheLayer::new().obey_origin().cache(cache),
    ]
}

pub(super) fn status() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200_u16), 1 => prop::sample::select(vec![204, 206, 301, 304, 404, 410, 416, 503, 299, 999])]
}

pub(super) fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["/", "/a", "/a?a=1", "/?&&&&", "/%", "/%00?%ff", "*", "http://h/a"]).prop_map(str::to_owned),
        1 => "/[!-~]{0,30}"
    ]
}

pub(super) fn runs(cases: u32, run: impl Fn(&mut TestRunner)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    run(&mut TestRunner::new(config));
}

pub(super) fn ten() -> Origin {
    Origin::new(|_, _| Ok(response(200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], "0123456789")))
}
