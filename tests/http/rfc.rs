//! What a shared cache owes its clients and its origin (RFC 9110, 9111, 5861, 9211, 9213): each case has its number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::SeqCst};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use larder::http::NoCache::Ignore;
use larder::http::ResponseCacheLayer;
use support::redis::shared;
use support::tiers::{Gate, LONG, in_time, on, unique};
use support::wait::eventually_async;
use support::wire::{
    Origin, Site, Unreachable, Wire, ask, declared, proxies, request, response, serve_site, sites,
};

/// A date as HTTP writes it, so many seconds from now.
fn date(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What is left of the life of what is kept, as the second of two clients is told; none when it is not kept.
async fn life_of(headers: Vec<(&'static str, String)>) -> Option<i64> {
    let mut lives = Vec::new();
    let origin = move || {
        let headers = headers.clone();
        Origin::new(move |_, _| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Ok(response(200, &headers, "x"))
        })
    };
    for site in proxies(origin).await {
        site.get("/").await;
        let second = site.get("/").await;
        let told = second.field("cache-status").expect("a status");
        let ttl = told.split("ttl=").nth(1).and_then(|rest| rest.split(';').next()?.parse::<i64>().ok());
        lives.push(ttl.filter(|_| second.x_cache() == "HIT"));
    }
    let [memory, redis] = lives[..] else { panic!("two tiers") };
    assert!(
        memory == redis || memory.zip(redis).is_some_and(|(one, other)| one.abs_diff(other) < 20),
        "{lives:?}"
    );
    memory
}

/// [`life_of`] a response with this `Cache-Control`, a line for each.
async fn life_by(lines: &[&str]) -> Option<i64> {
    life_of(lines.iter().map(|line| ("cache-control", (*line).to_owned())).collect()).await
}

/// Whether a time that was told is `wanted`, or a little less on a slow machine.
fn is_about(told: Option<i64>, wanted: i64) -> bool {
    told.is_some_and(|told| told <= wanted && told > wanted - 20)
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=3600")];

#[tokio::test]
async fn rfc_h01_only_get_and_head_are_answered_from_what_is_kept() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            site.get("/").await;
            let asked = site.origin.calls();
            let got = site.send(method, "/", &[]).await;
            assert_eq!((got.x_cache().as_str(), site.origin.calls()), ("BYPASS", asked + 1), "{method}");
            assert!(got.field("cache-status").expect("a status").contains("fwd=method"), "{method}");
        }
    }
}

#[tokio::test]
async fn rfc_h02_h04_a_head_is_not_kept_and_never_answers_a_get() {
    let origin = || {
        Origin::new(|_, parts| {
            let body = if parts.method == "HEAD" { "" } else { "whole" };
            Ok(response(200, FRESH, body))
        })
    };
    for site in proxies(origin).await {
        site.send("HEAD", "/", &[]).await;
        assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "whole".to_owned()));
        assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "whole".to_owned()));
        assert_eq!(site.send("HEAD", "/", &[]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h03_a_head_gets_the_headers_of_the_kept_get() {
    let origin =
        || Origin::new(|_, _| Ok(response(200, &[("cache-control", "max-age=9"), ("x-a", "b")], "12345")));
    for site in proxies(origin).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        wire.exchange("GET", "/", &[]).await;
        let whole = wire.exchange("GET", "/", &[]).await;
        let head = wire.exchange("HEAD", "/", &[]).await;
        assert_eq!((head.status, head.body.as_slice()), (200, &b""[..]));
        assert_eq!(head.field("content-length").as_deref(), Some("5"));
        for name in ["cache-control", "x-a", "date", "content-length", "content-type", "x-cache"] {
            assert_eq!(head.field(name), whole.field(name), "{name}");
        }
        // Had there been a body, it would stand where the next response begins.
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "12345");
    }
}

#[tokio::test]
async fn rfc_h05_host_path_and_query_are_told_apart() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        let urls = [("a", "/p"), ("b", "/p"), ("a", "/p?x=1"), ("a", "/p?x=2"), ("a", "/P"), ("a:81", "/p")];
        for (host, uri) in urls {
            let host = [("host", host)];
            assert_eq!(site.get_with(uri, &host).await.x_cache(), "MISS", "{host:?} {uri}");
            assert_eq!(site.get_with(uri, &host).await.x_cache(), "HIT", "{host:?} {uri}");
        }
        // A host has no case.
        assert_eq!(site.get_with("/p", &[("host", "A")]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h06_the_service_sees_the_query_as_it_was_sent() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.get("/?b=2&a=1").await;
        assert_eq!(site.origin.last().uri.query(), Some("b=2&a=1"));
        assert_eq!(site.get("/?a=1&b=2").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h07_urls_that_look_alike_are_apart() {
    let urls =
        ["/?a=1&b=2", "/?b=2&a=1", "/%41", "/A", "/?a=+", "/?a=%20", "/", "/?", "/p", "/p/", "/p?a", "/p?a="];
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for url in urls {
            assert_eq!(site.get(url).await.x_cache(), "MISS", "{url}");
        }
        for (n, url) in urls.iter().enumerate() {
            assert_eq!(site.get(url).await.brief(), ("HIT".to_owned(), n.to_string()), "{url}");
        }
    }
}

#[tokio::test]
async fn rfc_h08_doubled_parameters_are_apart_and_a_get_with_a_body_goes_past() {
    for site in declared(|| Origin::says(200, &[])).await {
        let urls = ["/?id=1&id=2", "/?id=2&id=1", "/?id=1;id=2", "/?id=1"];
        for url in urls {
            assert_eq!(site.get(url).await.x_cache(), "MISS", "{url}");
        }
        for (n, url) in urls.iter().enumerate() {
            assert_eq!(site.get(url).await.text(), n.to_string(), "{url}");
        }
        let mut fat = request("GET", "/?id=1", &[]);
        *fat.body_mut() = Body::from("id=7");
        assert_eq!(ask(&site.service, fat).await.expect("a response").x_cache(), "BYPASS");
        assert_eq!(site.get("/?id=1").await.text(), "3");
    }
}

#[tokio::test]
async fn rfc_h09_answers_to_credentials_are_kept_only_if_the_response_says_so() {
    let known = [("authorization", "Bearer alice")];
    for (control, is_kept) in [
        ("max-age=3600", false),
        ("max-age=3600, public", true),
        ("s-maxage=3600", true),
        ("max-age=3600, must-revalidate", true),
        ("max-age=3600, private", false),
    ] {
        let origin =
            move || Origin::new(move |n, _| Ok(response(200, &[("cache-control", control)], n.to_string())));
        for site in proxies(origin).await {
            site.get_with("/", &known).await;
            let is_hit = site.get_with("/", &[("authorization", "Bearer bob")]).await.x_cache() == "HIT";
            assert_eq!(is_hit, is_kept, "{control}");
        }
        // Without an origin that decides, only the owner of the layer can say it.
        for site in declared(origin).await {
            for _ in 0..2 {
                assert_eq!(site.get_with("/", &known).await.x_cache(), "BYPASS", "{control}");
            }
        }
    }
}

#[tokio::test]
async fn rfc_h10_cookies_go_past_unless_the_origin_decides() {
    let cookie = [("cookie", "session=alice")];
    for site in declared(|| Origin::says(200, &[])).await {
        site.get("/").await;
        assert_eq!(site.get_with("/", &cookie).await.brief(), ("BYPASS".to_owned(), "1".to_owned()));
        assert_eq!(site.get("/").await.text(), "0");
    }
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get_with("/", &cookie).await;
        assert_eq!(site.get("/").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h11_a_response_with_set_cookie_is_not_kept() {
    const SETS: &[(&str, &str)] = &[("cache-control", "max-age=3600"), ("set-cookie", "s=1")];
    for site in proxies(|| Origin::says(200, SETS))
        .await
        .into_iter()
        .chain(declared(|| Origin::says(200, SETS)).await)
    {
        for n in ["0", "1"] {
            let got = site.get("/").await;
            assert_eq!((got.text().as_str(), got.field("set-cookie").as_deref()), (n, Some("s=1")));
        }
    }
}

#[tokio::test]
async fn rfc_h12_no_store_is_obeyed_however_it_is_written() {
    for lines in [
        &["no-store"][..],
        &["No-StOrE"],
        &["max-age=9999, no-store"],
        &["max-age=9999", "no-store"],
        &["foo=\"bar, baz\" , no-store"],
        &["ext=\"a\\\"b\", no-store, max-age=9"],
        &["no-store=\"yes\""],
        &[",,no-store,,"],
    ] {
        assert_eq!(life_by(lines).await, None, "{lines:?}");
    }
    let local = ResponseCacheLayer::new().expire("1h").local("1h");
    for site in sites(local, || Origin::says(200, &[("cache-control", "no-store")])).await {
        assert!(!site.keeps("/").await);
    }
}

#[tokio::test]
async fn rfc_h13_private_is_not_kept_with_or_without_names() {
    for line in
        ["private", "PRIVATE, max-age=60", "private=\"x-foo\", max-age=60", "max-age=60, private=\"\""]
    {
        assert_eq!(life_by(&[line]).await, None, "{line}");
        let origin = move || Origin::new(move |_, _| Ok(response(200, &[("cache-control", line)], "x")));
        for site in declared(origin).await {
            assert!(!site.keeps("/").await, "{line}");
        }
    }
}

#[tokio::test]
async fn rfc_h14_no_cache_is_used_only_after_the_origin_was_asked() {
    for control in ["no-cache, max-age=60", "max-age=60, no-cache=\"set-cookie\""] {
        let validated = move || {
            Origin::new(move |n, parts| {
                let headers = [("cache-control", control), ("etag", "\"v\"")];
                let knows = parts.headers.get("if-none-match").is_some_and(|tag| tag == "\"v\"");
                Ok(if knows { response(304, &headers, "") } else { response(200, &headers, n.to_string()) })
            })
        };
        for site in proxies(validated).await {
            for n in 1..4 {
                let got = site.get("/").await;
                assert_eq!(
                    (got.status, got.text().as_str(), site.origin.calls()),
                    (200, "0", n),
                    "{control}"
                );
            }
        }
        assert_eq!(life_by(&[control]).await, None, "{control}");
        for site in declared(validated).await {
            assert!(!site.keeps("/").await, "{control}");
        }
    }
}

#[tokio::test]
async fn rfc_h15_a_max_age_that_is_none_is_stale() {
    for line in [
        "max-age=0",
        "max-age=-1",
        "max-age=1.5",
        "max-age=abc",
        "max-age=",
        "max-age",
        "max-age= 60",
        "max-age='60'",
        "max-age=60s",
        "max-age=0x10",
    ] {
        assert_eq!(life_by(&[line]).await, None, "{line}");
    }
    assert!(is_about(life_by(&["max-age=003600"]).await, 3600));
    assert!(is_about(life_by(&["Max-Age=\"3600\""]).await, 3600));
}

#[tokio::test]
async fn rfc_h16_a_gigantic_max_age_is_capped() {
    for line in ["max-age=99999999999", "max-age=2147483648", "max-age=184467440737095516150000000000"] {
        assert!(is_about(life_by(&[line]).await, 1 << 31), "{line}");
    }
}

#[tokio::test]
async fn rfc_h17_s_maxage_beats_max_age_beats_expires() {
    for lines in [
        &["s-maxage=100, max-age=3600"][..],
        &["max-age=3600, s-maxage=100"],
        &["max-age=3600", "s-maxage=100"],
        &["s-maxage=100", "max-age=3600"],
        &["S-MaxAge=100"],
    ] {
        assert!(is_about(life_by(lines).await, 100), "{lines:?}");
    }
    let life = |control: &str, expires| {
        let headers =
            vec![("cache-control", control.to_owned()), ("expires", date(expires)), ("date", date(0))];
        life_of(headers)
    };
    assert!(is_about(life("max-age=100", 3600).await, 100));
    assert!(is_about(life("max-age=3600", -3600).await, 3600));
    assert!(is_about(life("s-maxage=100", 3600).await, 100));
    assert_eq!(life("max-age=0", 3600).await, None);
    // Those whose author declares a life are as little served longer.
    for site in declared(|| Origin::says(200, &[("cache-control", "s-maxage=5, max-age=50")])).await {
        assert_eq!(site.get("/").await.field("cache-control").as_deref(), Some("max-age=5"));
    }
}

#[tokio::test]
async fn rfc_h18_an_expires_that_is_none_has_passed() {
    for expires in ["0", "-1", "never", "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 50 02:01:18 GMT", ""] {
        assert_eq!(life_of(vec![("expires", expires.to_owned())]).await, None, "{expires}");
    }
    assert_eq!(life_of(vec![("expires", date(3600)), ("expires", date(7200))]).await, None);
    assert_eq!(life_of(vec![("expires", date(3600)), ("expires", "0".to_owned())]).await, None);
    for site in declared(|| Origin::says(200, &[("expires", "0")])).await {
        assert!(!site.keeps("/").await);
    }
}

#[tokio::test]
async fn rfc_h19_expires_counts_from_the_date_of_the_response() {
    // The origin's clock is an hour ahead, or is right.
    assert!(is_about(life_of(vec![("expires", date(3700)), ("date", date(3600))]).await, 100));
    assert!(is_about(life_of(vec![("expires", date(100))]).await, 100));
    assert_eq!(life_of(vec![("expires", date(300)), ("date", date(400))]).await, None);
    // A clock that is behind makes a response look old, and so it is: it has been on its way for an unknown time.
    assert_eq!(life_of(vec![("expires", date(-3500)), ("date", date(-3600))]).await, None);
}

#[tokio::test]
async fn rfc_h20_without_a_life_the_declared_one_or_a_guess_counts() {
    assert_eq!(life_of(vec![]).await, None);
    assert_eq!(life_of(vec![("etag", "\"a\"".to_owned())]).await, None);
    assert!(is_about(life_of(vec![("last-modified", date(-10_000))]).await, 1_000));
    for site in declared(|| Origin::says(200, &[])).await {
        let got = site.get("/").await;
        assert_eq!(got.field("cache-control").as_deref(), Some("max-age=60"));
        assert!(site.keeps("/").await);
    }
    // No guess for a status that is not kept by default.
    let found = || Origin::new(|_, _| Ok(response(302, &[("last-modified", &date(-10_000))], "")));
    for site in proxies(found).await {
        assert!(!site.keeps("/").await);
    }
}

#[tokio::test]
async fn rfc_h21_of_directives_that_differ_the_most_restrictive_counts() {
    assert!(is_about(life_by(&["max-age=100, max-age=3600"]).await, 100));
    assert!(is_about(life_by(&["max-age=3600", "max-age=100"]).await, 100));
    assert!(is_about(life_by(&["max-age=100, max-age=100"]).await, 100));
    assert_eq!(life_by(&["max-age=3600, max-age=abc"]).await, None);
    assert_eq!(life_by(&["public, max-age=3600, private"]).await, None);
    assert_eq!(life_by(&["public, max-age=3600, no-store"]).await, None);
}

#[tokio::test]
async fn rfc_h22_a_response_shortens_the_declared_life_and_never_lengthens_it() {
    for (control, told) in [("max-age=10", 10), ("max-age=6000", 60), ("s-maxage=10, max-age=6000", 10)] {
        let origin =
            move || Origin::new(move |n, _| Ok(response(200, &[("cache-control", control)], n.to_string())));
        for site in declared(origin).await {
            site.get("/").await;
            site.later(4);
            let got = site.get("/").await;
            assert_eq!(got.field("cache-control"), Some(format!("max-age={}", told - 4)), "{control}");
            assert_eq!(got.field("age"), None);
            site.later(told - 4);
            assert_eq!(site.get("/").await.x_cache(), "MISS", "{control}");
        }
    }
}

#[tokio::test]
async fn rfc_h23_statuses_are_kept_by_default_by_word_or_never() {
    let with = |status: u16, headers: &'static [(&str, &str)]| move || Origin::says(status, headers);
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        let origin =
            move || Origin::new(move |_, _| Ok(response(status, &[("last-modified", &date(-90_000))], "")));
        for site in proxies(origin).await {
            assert!(site.keeps("/").await, "{status} by default");
        }
    }
    for status in [201, 302, 303, 307, 400, 401, 403, 429, 500, 503] {
        for site in proxies(with(status, &[])).await {
            assert!(!site.keeps("/").await, "{status} says nothing");
        }
        for site in proxies(with(status, FRESH)).await {
            assert!(site.keeps("/").await, "{status} says it");
        }
    }
    for status in [201, 204, 301, 302, 404, 410, 429, 500, 503] {
        for site in declared(with(status, FRESH)).await {
            assert!(!site.keeps("/").await, "{status} was not asked for");
        }
    }
    let layer = ResponseCacheLayer::new().expire("1m").expire_status(StatusCode::NOT_FOUND, "5s");
    for site in sites(layer, || Origin::says(404, &[])).await {
        assert!(site.keeps("/").await);
        site.later(5);
        assert_eq!(site.get("/").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn rfc_h24_neither_a_part_nor_a_304_is_kept() {
    for status in [206, 304, 416] {
        let origin = move || {
            Origin::new(move |_, _| {
                Ok(response(status, &[("cache-control", "max-age=99"), ("etag", "\"a\"")], ""))
            })
        };
        for site in proxies(origin).await.into_iter().chain(declared(origin).await) {
            for _ in 0..2 {
                let got = site.get("/").await;
                assert_eq!((got.status, got.x_cache().as_str()), (status, "BYPASS"));
            }
        }
    }
}

#[tokio::test]
async fn rfc_h25_trouble_never_takes_the_place_of_what_is_kept() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1h");
    let origin = || Origin::new(|n, _| Ok(response(if n == 0 { 200 } else { 503 }, &[], n.to_string())));
    for site in sites(layer, origin).await {
        site.get("/").await;
        site.later(61);
        for _ in 0..2 {
            assert_eq!(site.get("/").await.brief(), ("STALE".to_owned(), "0".to_owned()));
        }
        // Nor does a refresh that somebody asks for.
        site.get_with("/", &[("cache-control", "no-cache")]).await;
        assert_eq!(site.get("/").await.text(), "0");
    }
    for site in proxies(|| Origin::says(103, FRESH)).await {
        assert!(!site.keeps("/").await);
    }
}

#[tokio::test]
async fn rfc_h26_a_204_is_kept_by_option_only() {
    for site in declared(|| Origin::says(204, &[])).await {
        assert!(!site.keeps("/").await);
    }
    let layer = ResponseCacheLayer::new().expire("1m").expire_status(StatusCode::NO_CONTENT, "1m");
    for site in sites(layer, || Origin::new(|_, _| Ok(response(204, &[], "")))).await {
        assert!(site.keeps("/").await);
    }
}

/// Says what of the request it looked at.
fn tongues(vary: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |n, parts| {
            let tongue = parts.headers.get("accept-language").map(|tongue| tongue.to_str().expect("text"));
            let headers = [vary, FRESH].concat();
            Ok(response(200, &headers, format!("{tongue:?} {n}")))
        })
    }
}

#[tokio::test]
async fn rfc_h27_responses_are_chosen_by_the_headers_that_vary_names() {
    for site in proxies(tongues(&[("vary", "Accept-Language")])).await {
        let asked: [&[(&str, &str)]; 4] =
            [&[], &[("accept-language", "")], &[("accept-language", "de")], &[("accept-language", "fr")]];
        for (n, headers) in asked.iter().enumerate() {
            let got = site.get_with("/", headers).await;
            assert_eq!((got.x_cache().as_str(), site.origin.calls()), ("MISS", n + 1), "{headers:?}");
        }
        for (n, headers) in asked.iter().enumerate() {
            let got = site.get_with("/", headers).await;
            assert!(got.x_cache() == "HIT" && got.text().ends_with(&n.to_string()), "{headers:?} {got:?}");
        }
    }
}

#[tokio::test]
async fn rfc_h28_vary_is_a_list_over_several_lines_and_has_no_case() {
    for site in proxies(tongues(&[("vary", "x-a,ACCEPT-language"), ("vary", " x-b ")])).await {
        site.get_with("/", &[("accept-language", "de, fr"), ("x-a", "1")]).await;
        let same = [("accept-language", "de"), ("accept-language", "fr"), ("x-a", "1"), ("x-c", "7")];
        assert_eq!(site.get_with("/", &same).await.x_cache(), "HIT");
        assert_eq!(site.get_with("/", &[("accept-language", "de,fr"), ("x-a", "1")]).await.x_cache(), "HIT");
        for other in [
            [("accept-language", "de, fr"), ("x-a", "2")],
            [("accept-language", "de, fr"), ("x-b", "1")],
            [("accept-language", "fr, de"), ("x-a", "1")],
        ] {
            assert_eq!(site.get_with("/", &other).await.x_cache(), "MISS", "{other:?}");
        }
    }
}

#[tokio::test]
async fn rfc_h29_vary_any_is_never_used_again() {
    for vary in [
        &[("vary", "*")][..],
        &[("vary", "*, foo")],
        &[("vary", "foo, *")],
        &[("vary", ", *")],
        &[("vary", "foo"), ("vary", "*")],
        &[("vary", "not a name")],
    ] {
        for site in proxies(tongues(vary)).await {
            assert!(!site.keeps("/").await, "{vary:?}");
        }
    }
}

#[tokio::test]
async fn rfc_h30_a_vary_that_changes_leaves_nothing_of_the_old_responses() {
    let origin = || {
        Origin::new(|n, _| {
            let vary = if n < 2 { "x-a" } else { "x-b" };
            Ok(response(200, &[("vary", vary), ("cache-control", "max-age=60")], n.to_string()))
        })
    };
    for site in proxies(origin).await {
        let one = [("x-a", "1"), ("x-b", "1")];
        site.get_with("/", &one).await;
        site.get_with("/", &[("x-a", "2"), ("x-b", "1")]).await;
        // Differs by something else now, so what was chosen by the first header is not to be had any more.
        site.get_with("/", &[("x-a", "3"), ("x-b", "1")]).await;
        let got = site.get_with("/", &one).await;
        assert!(got.text().parse::<u8>().expect("a number") > 2, "{got:?}");
        assert_eq!(site.get_with("/", &one).await.brief(), ("HIT".to_owned(), got.text()));
    }
}

#[tokio::test]
async fn rfc_h32_credentials_in_vary_are_told_apart_and_cookies_go_past() {
    for site in declared(|| Origin::says(200, &[("vary", "cookie")])).await {
        assert!(site.keeps("/").await);
        for _ in 0..2 {
            assert_eq!(site.get_with("/", &[("cookie", "a=1")]).await.x_cache(), "BYPASS");
        }
    }
    for site in proxies(|| Origin::says(200, &[("vary", "cookie"), ("cache-control", "max-age=60")])).await {
        site.get_with("/", &[("cookie", "a=1")]).await;
        assert_eq!(
            site.get_with("/", &[("cookie", "a=2")]).await.brief(),
            ("MISS".to_owned(), "1".to_owned())
        );
        assert_eq!(
            site.get_with("/", &[("cookie", "a=1")]).await.brief(),
            ("HIT".to_owned(), "0".to_owned())
        );
    }
}

#[tokio::test]
async fn rfc_h33_every_answer_that_was_kept_has_its_age() {
    for site in proxies(|| Origin::says(200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")])).await {
        assert_eq!(site.get("/").await.field("age"), None);
        assert_eq!(site.get("/").await.field("age").as_deref(), Some("0"));
        site.later(30);
        assert_eq!(site.get("/").await.field("age").as_deref(), Some("30"));
        let not_modified = site.get_with("/", &[("if-none-match", "\"a\"")]).await;
        assert_eq!((not_modified.status, not_modified.field("age").as_deref()), (304, Some("30")));
        assert_eq!(site.send("HEAD", "/", &[]).await.field("age").as_deref(), Some("30"));
    }
}

#[tokio::test]
async fn rfc_h34_the_age_of_a_response_that_comes_counts() {
    for (age, left) in [
        ("1000", 2600),
        ("abc", 3600),
        ("-7200", 3600),
        ("1000.0", 3600),
        ("1000, 0", 2600),
        ("0, 1000", 3600),
        ("", 3600),
    ] {
        let headers = vec![("cache-control", "max-age=3600".to_owned()), ("age", age.to_owned())];
        let life = life_of(headers).await;
        assert!(is_about(life, left), "{age}: {life:?}");
    }
    for age in ["7200", "2147483648", "99999999999999999999"] {
        let headers = vec![("cache-control", "max-age=3600".to_owned()), ("age", age.to_owned())];
        assert_eq!(life_of(headers).await, None, "{age}");
    }
}

#[tokio::test]
async fn rfc_h35_the_date_is_that_of_the_response() {
    const DATE: &str = "Sun, 06 Nov 2050 08:49:37 GMT";
    for site in proxies(|| Origin::says(200, &[("date", DATE), ("cache-control", "max-age=60")])).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for _ in 0..2 {
            assert_eq!(wire.exchange("GET", "/", &[]).await.field("date").as_deref(), Some(DATE));
        }
    }
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get("/").await;
        let first = site.get("/").await.field("date");
        site.later(9);
        assert_eq!(site.get("/").await.field("date"), first);
        assert!(first.is_some());
    }
}

#[tokio::test]
async fn rfc_h36_all_other_headers_come_back_byte_for_byte() {
    let origin = || {
        Origin::new(|_, _| {
            let mut response =
                response(200, &[("cache-control", "max-age=60"), ("link", "<a>"), ("x-empty", "")], "x");
            response.headers_mut().append("link", HeaderValue::from_static("<b>"));
            response
                .headers_mut()
                .append("x-raw", HeaderValue::from_bytes(b"\xff\xfe \xc3\xbc").expect("a value"));
            Ok(response)
        })
    };
    for site in proxies(origin).await.into_iter().chain(declared(origin).await) {
        site.get("/").await;
        let hit = site.get("/").await;
        let links: Vec<_> = hit.headers.get_all("link").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!((hit.x_cache().as_str(), links), ("HIT", vec![&b"<a>"[..], b"<b>"]));
        assert_eq!(hit.headers["x-raw"].as_bytes(), b"\xff\xfe \xc3\xbc");
        assert_eq!(hit.headers["x-empty"], "");
    }
}

#[tokio::test]
async fn rfc_h37_fields_of_the_connection_are_not_kept() {
    const HOPS: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("connection", "x-hop, cache-control, \"junk\""),
        ("keep-alive", "timeout=5"),
        ("proxy-authenticate", "Basic"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x-a"),
        ("upgrade", "h2c"),
        ("x-hop", "1"),
        ("x-end", "1"),
    ];
    for site in proxies(|| Origin::says(200, HOPS)).await {
        site.get("/").await;
        let hit = site.get("/").await;
        assert_eq!((hit.x_cache().as_str(), hit.field("x-end").as_deref()), ("HIT", Some("1")));
        for (name, _) in HOPS.iter().filter(|(name, _)| !["cache-control", "x-end"].contains(name)) {
            assert_eq!(hit.field(name), None, "{name}");
        }
        // What the cache decides by cannot be named away.
        assert_eq!(hit.field("cache-control").as_deref(), Some("max-age=60"));
    }
}

/// What a client with these headers gets of a response that is kept.
async fn status_for(kept: &'static [(&'static str, &'static str)], asked: &[(&str, &str)]) -> u16 {
    let mut statuses = Vec::new();
    for site in proxies(move || Origin::says(200, kept)).await {
        // Judged on a miss as on a hit.
        for x_cache in ["MISS", "HIT"] {
            let got = site.get_with("/", asked).await;
            assert_eq!(got.x_cache(), x_cache);
            assert_eq!(got.status == 304, got.body.is_empty());
            statuses.push(got.status);
        }
    }
    assert!(statuses.iter().all(|status| *status == statuses[0]), "{statuses:?}");
    statuses[0]
}

const TAGGED: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];

#[tokio::test]
async fn rfc_h38_tags_are_compared_weakly_in_lists_and_any() {
    for tag in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "\"x\",W/\"a\" , \"y\"", "*", " * "] {
        assert_eq!(status_for(TAGGED, &[("if-none-match", tag)]).await, 304, "{tag}");
    }
    assert_eq!(status_for(TAGGED, &[("if-none-match", "\"x\""), ("if-none-match", "\"a\"")]).await, 304);
    const WEAK: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "W/\"a\"")];
    assert_eq!(status_for(WEAK, &[("if-none-match", "\"a\"")]).await, 304);
}

#[tokio::test]
async fn rfc_h39_tags_are_read_to_the_letter() {
    for tag in ["\"b\"", "a", "w/\"a\"", "\"a", "W/a", "", "\"A\"", "W/ \"a\""] {
        assert_eq!(status_for(TAGGED, &[("if-none-match", tag)]).await, 200, "{tag}");
    }
    const COMMA: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a,b\"")];
    assert_eq!(status_for(COMMA, &[("if-none-match", "\"x\", \"a,b\"")]).await, 304);
    assert_eq!(status_for(COMMA, &[("if-none-match", "\"a\"")]).await, 200);
}

const DATED: &[(&str, &str)] =
    &[("cache-control", "max-age=60"), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];

#[tokio::test]
async fn rfc_h40_a_tag_in_the_request_makes_its_date_count_for_nothing() {
    let since = ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    const BOTH: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("etag", "\"a\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    assert_eq!(status_for(BOTH, &[("if-none-match", "\"b\""), since]).await, 200);
    assert_eq!(status_for(BOTH, &[("if-none-match", "junk"), since]).await, 200);
    assert_eq!(status_for(BOTH, &[("if-none-match", "\"a\""), ("if-modified-since", "junk")]).await, 304);
}

#[tokio::test]
async fn rfc_h41_dates_in_the_request_are_compared_if_they_are_dates() {
    for (since, status) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("Sunday, 06-Nov-94 08:49:38 GMT", 304),
        ("Sun Nov  6 08:49:38 1994", 304),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("Sun, 06 Nov 1994 08:49:37 PST", 200),
        ("yesterday", 200),
        ("", 200),
    ] {
        assert_eq!(status_for(DATED, &[("if-modified-since", since)]).await, status, "{since}");
    }
    let twice = ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(status_for(DATED, &[twice, twice]).await, 200);
    assert_eq!(status_for(TAGGED, &[twice]).await, 200);
}

#[tokio::test]
async fn rfc_h42_if_match_and_if_unmodified_since_are_for_the_origin() {
    for site in proxies(|| Origin::says(200, TAGGED)).await {
        site.get("/").await;
        for condition in [("if-match", "\"b\""), ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT")] {
            let asked = site.origin.calls();
            let got = site.get_with("/", &[condition]).await;
            assert_eq!((got.status, site.origin.calls()), (200, asked + 1), "{condition:?}");
            assert!(site.origin.last().headers.contains_key(condition.0));
        }
    }
}

#[tokio::test]
async fn rfc_h43_a_304_repeats_what_the_client_needs_and_nothing_else() {
    const FULL: &[(&str, &str)] = &[
        ("cache-control", "max-age=60"),
        ("etag", "\"a\""),
        ("content-location", "/x"),
        ("date", "Sun, 06 Nov 2050 08:49:37 GMT"),
        ("expires", "Sun, 06 Nov 2050 08:59:37 GMT"),
        ("vary", "x-a"),
        ("content-type", "text/plain"),
        ("content-language", "de"),
        ("link", "<a>"),
    ];
    for site in proxies(|| Origin::says(200, FULL)).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for _ in 0..2 {
            let got = wire.exchange("GET", "/", &[("if-none-match", "\"a\"")]).await;
            assert_eq!(got.status, 304);
            for (name, value) in &FULL[..6] {
                assert_eq!(got.field(name).as_deref(), Some(*value), "{name}");
            }
            for name in ["content-type", "content-language", "link", "content-length", "transfer-encoding"] {
                assert_eq!(got.field(name), None, "{name}");
            }
        }
        // Nothing is left on the connection.
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "0");
    }
    for site in declared(|| Origin::says(200, &[("vary", "x-a"), ("content-location", "/x")])).await {
        let tag = site.get("/").await.field("etag").expect("a tag");
        let got = site.get_with("/", &[("if-none-match", &tag)]).await;
        assert_eq!((got.status, got.field("cache-control").as_deref()), (304, Some("max-age=60")));
        assert!(["expires", "vary", "content-location", "etag"].iter().all(|name| got.field(name).is_some()));
    }
}

#[tokio::test]
async fn rfc_h44_only_a_200_becomes_a_304() {
    for status in [404, 301, 410] {
        for site in proxies(move || Origin::says(status, TAGGED)).await {
            for _ in 0..2 {
                let got = site.get_with("/", &[("if-none-match", "\"a\"")]).await;
                assert_eq!((got.status, got.text().as_str()), (status, "0"));
            }
        }
    }
}

#[tokio::test]
async fn rfc_h45_the_service_is_asked_for_the_whole_response() {
    let conditions = [("if-none-match", "\"old\""), ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")];
    for site in proxies(|| Origin::says(200, TAGGED)).await {
        assert_eq!(site.get_with("/", &conditions).await.status, 200);
        let seen = site.origin.last().headers;
        assert!(conditions.iter().all(|(name, _)| !seen.contains_key(*name)));
        assert_eq!(site.get("/").await.x_cache(), "HIT");
        // One that wants a part and is not kept is passed on as it is.
        site.get_with("/part", &[("range", "bytes=0-0"), ("if-range", "\"a\"")]).await;
        let seen = site.origin.last().headers;
        assert!(seen.contains_key("range") && seen.contains_key("if-range"));
        assert_eq!(site.get("/part").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn rfc_h46_tags_are_strong_and_the_same_everywhere_and_the_services_own_wins() {
    let mut tags = Vec::new();
    for site in declared(|| Origin::new(|_, _| Ok(response(200, &[], "same")))).await {
        for uri in ["/a", "/a", "/b"] {
            tags.push(site.get(uri).await.field("etag").expect("a tag"));
        }
    }
    assert!(tags[0].starts_with('"') && tags[0].ends_with('"') && tags[0].len() >= 18);
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    for (encoding, body) in [("gzip", "same"), ("identity", "other")] {
        let origin =
            move || Origin::new(move |_, _| Ok(response(200, &[("content-encoding", encoding)], body)));
        for site in declared(origin).await {
            assert_ne!(site.get("/").await.field("etag").expect("a tag"), tags[0]);
        }
    }
    for site in declared(|| Origin::says(200, &[("etag", "\"own\"")])).await {
        assert_eq!(site.get("/").await.field("etag").as_deref(), Some("\"own\""));
    }
    // A proxy adds nothing to what an origin says of itself.
    for site in proxies(|| Origin::says(200, FRESH)).await {
        assert_eq!(site.get("/").await.field("etag"), None);
    }
}

#[tokio::test]
async fn rfc_h47_ranges_are_cut_from_what_is_kept_and_parts_are_not_kept() {
    let origin = || Origin::new(|_, _| Ok(response(200, TAGGED, "0123456789")));
    for site in proxies(origin).await {
        site.get("/").await;
        for (range, status, body, told) in [
            ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
            ("bytes=8-", 206, "89", Some("bytes 8-9/10")),
            ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
            ("bytes=5-99", 206, "56789", Some("bytes 5-9/10")),
            ("bytes=10-", 416, "", Some("bytes */10")),
            ("bytes=0-1,4-5", 200, "0123456789", None),
            ("bytes=4-2", 200, "0123456789", None),
            ("items=1-2", 200, "0123456789", None),
            ("junk", 200, "0123456789", None),
        ] {
            let got = site.get_with("/", &[("range", range)]).await;
            assert_eq!(
                (got.status, got.text().as_str(), got.field("content-range").as_deref()),
                (status, body, told),
                "{range}"
            );
        }
        let other = [("range", "bytes=2-4"), ("if-range", "\"b\"")];
        assert_eq!(site.get_with("/", &other).await.status, 200);
        assert_eq!(site.origin.calls(), 1);
    }
}

#[tokio::test]
async fn rfc_h48_nothing_is_kept_of_a_request_with_no_store() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get_with("/", &[("cache-control", "NO-STORE")]).await;
        assert_eq!(site.get("/").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn rfc_h49_no_cache_in_a_request_is_obeyed_or_ignored_by_choice() {
    let says: [&[(&str, &str)]; 3] =
        [&[("cache-control", "no-cache")], &[("cache-control", "max-age=0")], &[("pragma", "no-cache")]];
    for site in proxies(|| Origin::says(200, FRESH)).await {
        for (n, headers) in says.iter().enumerate() {
            site.get("/").await;
            assert_eq!(site.get_with("/", headers).await.text(), (n + 1).to_string(), "{headers:?}");
            assert_eq!(site.get("/").await.text(), (n + 1).to_string(), "{headers:?}");
        }
        // `Pragma` says nothing beside `Cache-Control`.
        let both = [("pragma", "no-cache"), ("cache-control", "max-age=60")];
        assert_eq!(site.get_with("/", &both).await.x_cache(), "HIT");
    }
    let deaf = ResponseCacheLayer::new().obey_origin().no_cache(Ignore);
    for site in sites(deaf, || Origin::says(200, FRESH)).await {
        site.get("/").await;
        for headers in says {
            assert_eq!(site.get_with("/", headers).await.x_cache(), "HIT", "{headers:?}");
        }
    }
}

#[tokio::test]
async fn rfc_h50_a_request_may_want_a_younger_response() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        site.get("/").await;
        site.later(100);
        for (control, x_cache) in [
            ("max-age=200", "HIT"),
            ("min-fresh=3400", "HIT"),
            ("max-age=abc", "HIT"),
            ("max-age=50", "MISS"),
            ("min-fresh=3601", "MISS"),
        ] {
            assert_eq!(
                site.get_with("/", &[("cache-control", control)]).await.x_cache(),
                x_cache,
                "{control}"
            );
        }
        site.later(200);
        assert_eq!(
            site.get_with("/", &[("cache-control", "max-age=199, max-stale=1000")]).await.x_cache(),
            "MISS"
        );
    }
}

#[tokio::test]
async fn rfc_h51_a_request_takes_an_old_response_only_if_that_may_be_old() {
    for (control, x_cache) in [
        ("max-age=60", "STALE"),
        ("max-age=60, must-revalidate", "MISS"),
        ("max-age=60, proxy-revalidate", "MISS"),
        ("s-maxage=60", "MISS"),
        ("max-age=60, no-cache", "MISS"),
    ] {
        let origin = move || {
            Origin::new(move |n, _| {
                Ok(response(200, &[("cache-control", control), ("etag", "\"a\"")], n.to_string()))
            })
        };
        for site in proxies(origin).await {
            site.get("/").await;
            site.later(70);
            let got = site.get_with("/", &[("cache-control", "max-stale=20")]).await;
            assert_eq!(got.x_cache(), x_cache, "{control}");
            if x_cache == "STALE" {
                assert_eq!(got.field("age").as_deref(), Some("70"));
                assert!(got.field("cache-status").expect("a status").contains("ttl=-1"));
                assert_eq!(site.get_with("/", &[("cache-control", "max-stale=5")]).await.x_cache(), "MISS");
            }
        }
    }
}

#[tokio::test]
async fn rfc_h52_only_if_cached_is_answered_without_the_service() {
    for site in proxies(|| Origin::says(200, FRESH))
        .await
        .into_iter()
        .chain(declared(|| Origin::says(200, &[])).await)
    {
        for control in [
            "only-if-cached",
            "only-if-cached, no-cache",
            "Only-If-Cached, no-store",
            "only-if-cached, max-age=0",
        ] {
            let got = site.get_with("/", &[("cache-control", control)]).await;
            assert_eq!((got.status, got.body.len(), site.origin.calls()), (504, 0, 0), "{control}");
            assert_eq!(site.send("HEAD", "/", &[("cache-control", control)]).await.status, 504);
        }
        site.get("/").await;
        let got = site.get_with("/", &[("cache-control", "only-if-cached")]).await;
        assert_eq!((got.status, got.x_cache().as_str()), (200, "HIT"));
        site.later(4000);
        assert_eq!(site.get_with("/", &[("cache-control", "only-if-cached")]).await.status, 504);
        assert_eq!(site.origin.calls(), 1);
    }
}

/// Gives one good response, and nothing from then on.
fn gone(control: &'static str) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |n, _| match n {
            0 => Ok(response(200, &[("cache-control", control), ("etag", "\"a\"")], "old")),
            _ => Err(Unreachable),
        })
    }
}

#[tokio::test]
async fn rfc_h53_what_must_be_validated_is_never_served_old() {
    for (control, is_served) in [
        ("max-age=60", true),
        ("max-age=60, must-revalidate", false),
        ("max-age=60, proxy-revalidate", false),
        ("s-maxage=60", false),
        ("max-age=60, no-cache", false),
        ("max-age=60, must-revalidate, stale-if-error=999", false),
    ] {
        for site in proxies(gone(control)).await {
            site.get("/").await;
            site.later(61);
            let got = ask(&site.service, request("GET", "/", &[])).await;
            assert_eq!(got.is_ok_and(|got| got.x_cache() == "STALE"), is_served, "{control}");
        }
    }
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1h").stale_while_revalidate("1h");
    let strict = || {
        Origin::new(|n, _| {
            Ok(response(if n == 0 { 200 } else { 500 }, &[("cache-control", "must-revalidate")], ""))
        })
    };
    for site in sites(layer, strict).await {
        site.get("/").await;
        site.later(61);
        assert_eq!(site.get("/").await.status, 500);
    }
}

#[tokio::test]
async fn rfc_h54_stale_while_revalidate_serves_the_old_one_while_one_refresh_runs() {
    const WINDOW: &[(&str, &str)] = &[("cache-control", "max-age=60, stale-while-revalidate=60")];
    for site in proxies(|| Origin::says(200, WINDOW)).await {
        site.get("/").await;
        site.later(90);
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let all = join_all((0..20).map(|_| site.get("/"))).await;
        assert!(all.iter().all(|got| got.brief() == ("STALE".to_owned(), "0".to_owned())), "{all:?}");
        assert_eq!(all[0].field("age").as_deref(), Some("90"));
        gate.arrived(1).await;
        gate.open();
        eventually_async(LONG, async || site.get("/").await.text() == "1").await;
        assert_eq!(site.origin.calls(), 2);
        // After the window they wait.
        site.later(121);
        assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "2".to_owned()));
    }
}

#[tokio::test]
async fn rfc_h55_stale_if_error_serves_the_old_one_within_its_window() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1m");
    let status = Arc::new(AtomicU16::new(200));
    let told = Arc::clone(&status);
    let origin = move || {
        let told = Arc::clone(&told);
        Origin::new(move |n, _| match told.load(SeqCst) {
            0 => Err(Unreachable),
            status => {
                Ok(response(status, &[("cache-control", "max-age=60, stale-if-error=60")], n.to_string()))
            }
        })
    };
    for site in sites(layer, &origin).await.into_iter().chain(proxies(&origin).await) {
        for trouble in [500, 502, 503, 504, 0] {
            status.store(200, SeqCst);
            let uri = format!("/{trouble}");
            let fresh = site.get(&uri).await;
            status.store(trouble, SeqCst);
            site.later(90);
            let old = site.get(&uri).await;
            assert_eq!(old.brief(), ("STALE".to_owned(), fresh.text()), "{trouble}");
        }
        status.store(200, SeqCst);
        site.get("/late").await;
        status.store(503, SeqCst);
        site.later(121);
        assert_eq!(site.get("/late").await.status, 503);
    }
}

#[tokio::test]
async fn rfc_h56_a_refresh_apart_is_judged_as_any_other() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_while_revalidate("1h");
    let origin = || {
        Origin::new(|n, _| {
            let headers: &[_] = if n == 0 { &[] } else { &[("set-cookie", "session=secret")] };
            Ok(response(200, headers, n.to_string()))
        })
    };
    for site in sites(layer, origin).await {
        site.get("/").await;
        site.later(61);
        let old = site.get("/").await;
        assert_eq!((old.brief(), old.field("set-cookie")), (("STALE".to_owned(), "0".to_owned()), None));
        // The refresh found that the response is for one client alone: what is kept is not true any more.
        eventually_async(LONG, async || site.get("/").await.x_cache() == "BYPASS").await;
    }
}

#[tokio::test]
async fn rfc_h57_a_change_removes_what_is_kept_of_its_target() {
    for (status, removes) in [(200, true), (201, true), (204, true), (303, true), (404, false), (500, false)]
    {
        let origin = move || {
            Origin::new(move |n, parts| match parts.method.as_str() {
                "GET" => {
                    Ok(response(200, &[("cache-control", "max-age=60"), ("vary", "x-a")], n.to_string()))
                }
                _ => Ok(response(status, &[], "")),
            })
        };
        for site in proxies(origin).await {
            for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
                for variant in ["1", "2"] {
                    site.get_with("/", &[("host", "h"), ("x-a", variant)]).await;
                }
                site.send(method, "/", &[("host", "h")]).await;
                for variant in ["1", "2"] {
                    let got = site.get_with("/", &[("host", "h"), ("x-a", variant)]).await;
                    assert_eq!(got.x_cache() == "MISS", removes, "{method} {status} {variant}");
                }
            }
        }
    }
}

#[tokio::test]
async fn rfc_h57_a_change_removes_what_it_names_on_its_own_host_only() {
    for (name, reference, removes) in [
        ("location", "/other", true),
        ("content-location", "/other", true),
        ("content-location", "other", true),
        ("location", "http://h/other", true),
        ("location", "http://evil/other", false),
        ("location", "//evil/other", false),
        ("content-location", "http://h:8080/other", false),
        ("location", "junk junk", false),
    ] {
        let origin = move || {
            Origin::new(move |n, parts| match parts.method.as_str() {
                "GET" => Ok(response(200, FRESH, n.to_string())),
                _ => Ok(response(201, &[(name, reference)], "")),
            })
        };
        for site in proxies(origin).await {
            let host = [("host", "h")];
            site.get_with("/other", &host).await;
            site.send("POST", "/", &host).await;
            let got = site.get_with("/other", &host).await;
            assert_eq!(got.x_cache() == "MISS", removes, "{name}: {reference}");
        }
    }
}

#[tokio::test]
async fn rfc_h59_cache_status_says_what_happened() {
    let with = |status| Origin::new(move |_, _| Ok(response(status, FRESH, "x")));
    for site in proxies(move || with(200)).await {
        let told = async |method, headers: &[(&str, &str)]| {
            site.send(method, "/", headers).await.field("cache-status").expect("a status")
        };
        assert_eq!(told("GET", &[]).await, "larder; fwd=uri-miss; fwd-status=200; stored");
        assert!(told("GET", &[]).await.starts_with("larder; hit; ttl=3"));
        assert_eq!(told("POST", &[]).await, "larder; fwd=method; fwd-status=200");
        assert_eq!(
            told("GET", &[("cache-control", "no-store")]).await,
            "larder; fwd=request; fwd-status=200"
        );
        assert_eq!(told("GET", &[]).await, "larder; fwd=uri-miss; fwd-status=200; stored");
        assert_eq!(
            told("GET", &[("cache-control", "no-cache")]).await,
            "larder; fwd=request; fwd-status=200; stored"
        );
        site.later(4000);
        assert_eq!(told("GET", &[]).await, "larder; fwd=stale; fwd-status=200; stored");
    }
    for site in proxies(|| Origin::says(200, &[("vary", "x-a"), ("cache-control", "max-age=9")])).await {
        site.get_with("/", &[("x-a", "1")]).await;
        let other = site.get_with("/", &[("x-a", "2")]).await.field("cache-status").expect("a status");
        assert_eq!(other, "larder; fwd=vary-miss; fwd-status=200; stored");
    }
    for site in declared(|| Origin::says(200, &[("cache-status", "inner; hit"), ("set-cookie", "a=1")])).await
    {
        let told = site.get("/").await.field("cache-status").expect("a status");
        assert_eq!(told, "inner; hit, larder; fwd=uri-miss; fwd-status=200; detail=set-cookie");
        let known =
            site.get_with("/", &[("authorization", "x")]).await.field("cache-status").expect("a status");
        assert_eq!(known, "inner; hit, larder; fwd=bypass; fwd-status=200");
    }
    let silent = ResponseCacheLayer::new().expire("1m").cache_status(false);
    for site in sites(silent, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/").await.field("cache-status"), None);
    }
}

#[tokio::test]
async fn rfc_h60_a_field_for_caches_like_this_one_counts_before_the_one_for_all() {
    let life = |targeted: &str, control: &str| {
        life_of(vec![("cdn-cache-control", targeted.to_owned()), ("cache-control", control.to_owned())])
    };
    assert!(is_about(life("max-age=100", "no-store").await, 100));
    assert_eq!(life("no-store", "max-age=3600").await, None);
    assert_eq!(life("max-age=0", "max-age=3600").await, None);
    // One that is not well-formed is not there.
    for wrong in ["max-age=\"100\"", "&&&", "", "Max-Age=100", "max-age=1.5"] {
        assert!(is_about(life(wrong, "max-age=3600").await, 3600), "{wrong}");
    }
    for site in proxies(|| Origin::says(200, &[("cdn-cache-control", "max-age=9")])).await {
        site.get("/").await;
        let hit = site.get("/").await;
        assert_eq!(
            (hit.x_cache().as_str(), hit.field("cdn-cache-control").as_deref()),
            ("HIT", Some("max-age=9"))
        );
    }
}

#[tokio::test]
async fn rfc_h63_the_limit_of_a_body_is_a_setting_and_zero_keeps_empty_ones_only() {
    let origin = || Origin::new(|_, parts| Ok(response(200, &[], "x".repeat(parts.uri.path().len() - 1))));
    for (limit, longest) in [(3, 3), (0, 0)] {
        let layer = ResponseCacheLayer::new().expire("1m").max_body(limit);
        for site in sites(layer, origin).await {
            for len in 0..6 {
                let uri = format!("/{}", "p".repeat(len));
                assert_eq!(site.keeps(&uri).await, len <= longest, "{len} of {limit}");
                assert_eq!(site.get(&uri).await.body.len(), len);
            }
        }
    }
}

#[tokio::test]
async fn rfc_h65_a_request_that_names_two_hosts_goes_past() {
    for site in proxies(|| Origin::says(200, FRESH)).await {
        let ways =
            [("http://good/p", &[("host", "evil")][..]), ("/p", &[("host", "good"), ("host", "evil")][..])];
        for (uri, hosts) in ways {
            let got = site.get_with(uri, hosts).await;
            assert_eq!(got.x_cache(), "BYPASS", "{uri} {hosts:?}");
            assert_eq!(site.get_with("/p", &[("host", "good")]).await.x_cache(), "MISS");
            site.send("POST", "/p", &[("host", "good")]).await;
        }
        assert_eq!(site.get_with("http://good/p", &[("host", "GOOD")]).await.x_cache(), "MISS");
        assert_eq!(site.get_with("/p", &[("host", "good")]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h66_headers_that_a_service_reflects_are_told_apart_by_option() {
    let origin = || {
        Origin::new(|_, parts| {
            let host =
                parts.headers.get("x-forwarded-host").map_or("none", |host| host.to_str().expect("text"));
            Ok(response(200, &[], host.to_owned()))
        })
    };
    for site in sites(ResponseCacheLayer::new().expire("1m").vary(["X-Forwarded-Host"]), origin).await {
        assert_eq!(site.get_with("/", &[("x-forwarded-host", "evil")]).await.text(), "evil");
        let got = site.get("/").await;
        assert_eq!((got.text().as_str(), got.field("vary").as_deref()), ("none", Some("x-forwarded-host")));
        assert_eq!(site.get_with("/", &[("x-forwarded-host", "evil")]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn rfc_h67_a_response_for_one_client_is_not_given_to_those_who_waited_for_it() {
    for refused in
        [("set-cookie", "s=1"), ("cache-control", "private"), ("cache-control", "no-store"), ("vary", "*")]
    {
        let origin = move || Origin::new(move |n, _| Ok(response(200, &[refused], n.to_string())));
        for site in declared(origin).await {
            let gate = Arc::new(Gate::default());
            site.origin.stops_at(&gate);
            let all = join_all((0..20).map(|_| site.get("/")));
            let (mut all, ()) = in_time(async {
                tokio::join!(all, async {
                    gate.arrived(1).await;
                    gate.open();
                })
            })
            .await;
            all.sort_by_key(|got| got.text().parse::<usize>().expect("a number"));
            for (n, got) in all.iter().enumerate() {
                assert_eq!(got.text(), n.to_string(), "{refused:?}");
            }
        }
    }
}

#[tokio::test]
async fn rfc_h67_those_who_wait_for_a_response_that_is_kept_get_it() {
    for site in declared(|| Origin::says(200, &[])).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let all = join_all((0..50).map(|_| site.get("/")));
        let (all, ()) = in_time(async {
            tokio::join!(all, async {
                gate.arrived(1).await;
                gate.open();
            })
        })
        .await;
        assert_eq!(site.origin.calls(), 1);
        assert!(all.iter().all(|got| got.text() == "0"));
        assert_eq!(all.iter().filter(|got| got.x_cache() == "MISS").count(), 1);
    }
}

#[tokio::test]
async fn rfc_h69_clocks_that_disagree_make_no_age_below_zero_and_no_life_without_end() {
    let prefix = unique("clocks");
    let ahead = larder::test_util::TestClock::new();
    ahead.advance(Duration::from_secs(3600));
    let fast = on(shared()).prefix(&prefix).clock(ahead).build().await.expect("a cache");
    let right = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let origin = Origin::says(200, &[("cache-control", "max-age=100")]);
    let layer = ResponseCacheLayer::new().obey_origin();
    let [fast, right] = [fast, right].map(|cache| origin.behind(&layer.clone().cache(&cache)));
    ask(&fast, request("GET", "/", &[])).await.expect("a response");
    let got = ask(&right, request("GET", "/", &[])).await.expect("a response");
    assert_eq!((got.x_cache().as_str(), got.field("age").as_deref()), ("HIT", Some("0")));
    // The server itself counts the time that is left, whoever's clock is wrong.
    let keys = shared().command(&["KEYS", &format!("{prefix}*")]);
    let left: i64 = shared().command(&["PTTL", keys.trim()]).parse().expect("a time");
    assert!(left > 0 && left <= 86_500_000, "{left}");
}

#[tokio::test]
async fn rfc_h70_trouble_of_the_store_is_not_the_clients() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.cache.chaos().refuse();
        for _ in 0..3 {
            assert_eq!(site.get("/").await.status, 200);
        }
        site.cache.chaos().heal();
        site.cache.chaos().lose_fills();
        assert_eq!(site.get("/new").await.status, 200);
        site.cache.chaos().heal();
        assert!(site.keeps("/healed").await);
    }
}

#[tokio::test]
async fn rfc_4_3_an_old_response_is_shown_to_the_origin_and_brought_up_to_date() {
    let has_changed = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&has_changed);
    let origin = move || {
        let told = Arc::clone(&told);
        Origin::new(move |n, parts| {
            let tag = if told.load(SeqCst) { "\"b\"" } else { "\"a\"" };
            let headers = [("cache-control", "max-age=60"), ("etag", tag), ("x-n", &n.to_string())];
            let is_known = parts.headers.get("if-none-match").is_some_and(|known| known == tag);
            Ok(if is_known { response(304, &headers, "") } else { response(200, &headers, n.to_string()) })
        })
    };
    for site in proxies(origin).await {
        has_changed.store(false, SeqCst);
        site.get("/").await;
        site.later(61);
        let renewed = site.get("/").await;
        assert_eq!(
            (renewed.status, renewed.text().as_str(), renewed.field("x-n").as_deref()),
            (200, "0", Some("1"))
        );
        site.later(59);
        assert_eq!(site.get("/").await.x_cache(), "HIT");
        site.later(2);
        has_changed.store(true, SeqCst);
        assert_eq!(site.get("/").await.text(), "2");
        assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "2".to_owned()));
    }
}

/// A site is what it is for the tests above; this one looks at the fields that nothing else uses.
#[tokio::test]
async fn rfc_h58_groups_of_responses_are_no_part_of_it() {
    let origin = || {
        Origin::new(|n, parts| match parts.method.as_str() {
            "GET" => Ok(response(
                200,
                &[("cache-control", "max-age=60"), ("cache-groups", "\"a\"")],
                n.to_string(),
            )),
            _ => Ok(response(200, &[("cache-group-invalidation", "\"a\"")], "")),
        })
    };
    for site in proxies(origin).await {
        let Site { origin, .. } = &site;
        site.get("/").await;
        site.send("POST", "/elsewhere", &[]).await;
        let hit = site.get("/").await;
        // Passed on for caches that know them.
        assert_eq!((hit.x_cache().as_str(), hit.field("cache-groups").as_deref()), ("HIT", Some("\"a\"")));
        assert_eq!(origin.calls(), 2);
    }
}
