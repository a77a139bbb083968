//! The time that a layer tells its clients, apart from its expiry.

use std::time::Duration;

use larder::Policy;
use larder::http::ResponseCacheLayer;
use support::wire::{Origin, proxies, response, sites};

use super::minute::minute;

fn says(headers: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |_, parts| {
            Ok(response(if parts.uri.path() == "/404" { 404 } else { 200 }, headers, "a"))
        })
    }
}

#[tokio::test]
async fn the_setting_or_what_can_be_taken_back_decides() {
    const MINUTE: Policy = Policy::new().expire(Duration::from_secs(60));
    let new = ResponseCacheLayer::new;
    let table = [
        (minute(), "/", "max-age=60"),
        (new().policy(MINUTE), "/", "max-age=60"),
        (new().policy(Policy::new().version(3)), "/", "no-cache"),
        (minute().tag("pages"), "/", "no-cache"),
        (minute().group("pages"), "/", "no-cache"),
        (minute().shared(), "/", "max-age=60"),
        (new(), "/", "no-cache"),
        (new().expire_status(404_u16.try_into().expect("a status"), "10s"), "/", "no-cache"),
        (new().expire_status(404_u16.try_into().expect("a status"), "10s"), "/404", "max-age=10"),
        (minute().stale_if_error("1h"), "/", "max-age=60, stale-if-error=3600"),
        (minute().stale_if_error("1h").tag("pages"), "/", "no-cache"),
        (minute().stale_if_error("1h").client_max_age("5s"), "/", "max-age=5"),
        (minute().client_max_age(0), "/", "max-age=0"),
        (minute().tag("pages").client_max_age(Duration::from_secs(5)), "/", "max-age=5"),
        (new().client_max_age("1h"), "/", "max-age=3600"),
    ];
    for (layer, uri, wanted) in table {
        for site in sites(layer.check().expect("usable"), says(&[])).await {
            for from in ["MISS", "HIT"] {
                let got = site.get(uri).await;
                let control = got.field("cache-control").expect("it is told");
                // What is left grows shorter while a slow machine computes.
                let is_told = (0..5).any(|late| match wanted.split_once("max-age=") {
                    Some((_, "60")) => control == wanted.replace("60", &(60 - late).to_string()),
                    Some((_, "10")) => control == wanted.replace("10", &(10 - late).to_string()),
                    _ => control == wanted || control == wanted.replace("=60", &format!("={}", 60 - late)),
                });
                assert!(got.x_cache() == from && is_told, "{wanted} {got:?}");
                assert_eq!(got.field("expires").is_some(), wanted.contains("max-age"), "{got:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_origin_that_is_obeyed_tells_its_clients_itself() {
    let headers = &[("cache-control", "max-age=60, immutable, foo=bar")];
    for site in proxies(says(headers)).await {
        for from in ["MISS", "HIT"] {
            let got = site.get("/").await;
            assert_eq!(
                (got.x_cache().as_str(), got.field("cache-control").as_deref()),
                (from, Some("max-age=60, immutable, foo=bar"))
            );
        }
    }
    let layer = ResponseCacheLayer::new().obey_origin().client_max_age("1s");
    for site in sites(layer, says(headers)).await {
        assert_eq!(
            site.get("/").await.field("cache-control").as_deref(),
            Some("max-age=60, immutable, foo=bar")
        );
    }
}

#[tokio::test]
async fn the_services_own_directives_pass_and_bound() {
    for (own, wanted) in [
        ("s-maxage=30, max-age=0", "max-age=0"),
        ("s-maxage=30, no-cache, immutable", "no-cache, immutable"),
        ("no-transform, foo=\"a, b\", max-age=0, s-maxage=5", "max-age=0, no-transform, foo=\"a, b\""),
    ] {
        let headers: &'static [(&str, &str)] = Box::leak(Box::new([("cache-control", own)]));
        for site in sites(minute(), says(headers)).await {
            for from in ["MISS", "HIT"] {
                let got = site.get("/").await;
                assert_eq!(
                    (got.x_cache().as_str(), got.field("cache-control").as_deref()),
                    (from, Some(wanted))
                );
            }
        }
    }
}

#[test]
fn a_time_that_cannot_be_used_is_an_error_of_check() {
    let error = minute().client_max_age("soon").check().expect_err("no time");
    assert!(error.to_string().starts_with("client_max_age = \"soon\""), "{error}");
    assert!(minute().client_max_age(-1).check().is_err());
}
