//! The freshness lifetime and the age of a response.

use std::time::Duration;

use larder::http::ResponseCacheLayer;
use support::deployment::shared;
use support::stores::{on, unique};
use support::wire::{Origin, ask, declared, proxies, request, response};

use super::lifetime::{date, lifetime_by, lifetime_of};

/// Returns true if a reported time is `wanted`, or a little less on a slow machine.
fn is_about(reported: Option<i64>, wanted: i64) -> bool {
    reported.is_some_and(|reported| reported <= wanted && reported > wanted - 20)
}

/// RFC 9111, 4.2.1.
#[tokio::test]
async fn an_invalid_max_age_is_stale() {
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
        assert_eq!(lifetime_by(&[line]).await, None, "{line}");
    }
    assert!(is_about(lifetime_by(&["max-age=003600"]).await, 3600));
    assert!(is_about(lifetime_by(&["Max-Age=\"3600\""]).await, 3600));
}

/// RFC 9111, 1.2.2.
#[tokio::test]
async fn a_very_large_max_age_is_capped() {
    for line in ["max-age=99999999999", "max-age=2147483648", "max-age=184467440737095516150000000000"] {
        assert!(is_about(lifetime_by(&[line]).await, 1 << 31), "{line}");
    }
}

/// RFC 9111, 4.2.1.
#[tokio::test]
async fn s_maxage_precedes_max_age_precedes_expires() {
    for lines in [
        &["s-maxage=100, max-age=3600"][..],
        &["max-age=3600, s-maxage=100"],
        &["max-age=3600", "s-maxage=100"],
        &["s-maxage=100", "max-age=3600"],
        &["S-MaxAge=100"],
    ] {
        assert!(is_about(lifetime_by(lines).await, 100), "{lines:?}");
    }
    let life = |control: &str, expires| {
        let headers =
            vec![("cache-control", control.to_owned()), ("expires", date(expires)), ("date", date(0))];
        lifetime_of(headers)
    };
    assert!(is_about(life("max-age=100", 3600).await, 100));
    assert!(is_about(life("max-age=3600", -3600).await, 3600));
    assert!(is_about(life("s-maxage=100", 3600).await, 100));
    assert_eq!(life("max-age=0", 3600).await, None);
    // A declared lifetime does not extend that of the response.
    for site in declared(|| Origin::says(200, &[("cache-control", "s-maxage=5, max-age=50")])).await {
        assert_eq!(site.get("/").await.field("cache-control").as_deref(), Some("max-age=5"));
    }
}

/// RFC 9111, 5.3.
#[tokio::test]
async fn an_invalid_expires_has_passed() {
    for expires in ["0", "-1", "never", "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 50 02:01:18 GMT", ""] {
        assert_eq!(lifetime_of(vec![("expires", expires.to_owned())]).await, None, "{expires}");
    }
    assert_eq!(lifetime_of(vec![("expires", date(3600)), ("expires", date(7200))]).await, None);
    assert_eq!(lifetime_of(vec![("expires", date(3600)), ("expires", "0".to_owned())]).await, None);
    for site in declared(|| Origin::says(200, &[("expires", "0")])).await {
        assert!(!site.caches("/").await);
    }
}

/// RFC 9111, 4.2.1.
#[tokio::test]
async fn expires_counts_from_the_date_of_the_response() {
    // The clock of the origin is an hour ahead, or right.
    assert!(is_about(lifetime_of(vec![("expires", date(3700)), ("date", date(3600))]).await, 100));
    assert!(is_about(lifetime_of(vec![("expires", date(100))]).await, 100));
    assert_eq!(lifetime_of(vec![("expires", date(300)), ("date", date(400))]).await, None);
    // A clock that is behind makes a response look old, which is safe.
    assert_eq!(lifetime_of(vec![("expires", date(-3500)), ("date", date(-3600))]).await, None);
}

/// RFC 9111, 4.2.2.
#[tokio::test]
async fn without_a_lifetime_the_declared_one_or_a_heuristic_is_used() {
    assert_eq!(lifetime_of(vec![]).await, None);
    assert_eq!(lifetime_of(vec![("etag", "\"a\"".to_owned())]).await, None);
    assert!(is_about(lifetime_of(vec![("last-modified", date(-10_000))]).await, 1_000));
    for site in declared(|| Origin::says(200, &[])).await {
        let got = site.get("/").await;
        assert_eq!(got.field("cache-control").as_deref(), Some("max-age=60"));
        assert!(site.caches("/").await);
    }
    // There is no heuristic for a status that is not stored by default.
    let found = || Origin::new(|_, _| Ok(response(302, &[("last-modified", &date(-10_000))], "")));
    for site in proxies(found).await {
        assert!(!site.caches("/").await);
    }
}

/// RFC 9111, 4.2.1.
#[tokio::test]
async fn the_most_restrictive_of_conflicting_directives_is_used() {
    assert!(is_about(lifetime_by(&["max-age=100, max-age=3600"]).await, 100));
    assert!(is_about(lifetime_by(&["max-age=3600", "max-age=100"]).await, 100));
    assert!(is_about(lifetime_by(&["max-age=100, max-age=100"]).await, 100));
    assert_eq!(lifetime_by(&["max-age=3600, max-age=abc"]).await, None);
    assert_eq!(lifetime_by(&["public, max-age=3600, private"]).await, None);
    assert_eq!(lifetime_by(&["public, max-age=3600, no-store"]).await, None);
}

#[tokio::test]
async fn a_response_shortens_the_declared_lifetime_and_never_extends_it() {
    for (control, reported) in [("max-age=10", 10), ("max-age=6000", 60), ("s-maxage=10, max-age=6000", 10)] {
        let origin =
            move || Origin::new(move |n, _| Ok(response(200, &[("cache-control", control)], n.to_string())));
        for site in declared(origin).await {
            site.get("/").await;
            site.later(4);
            let got = site.get("/").await;
            assert_eq!(got.field("cache-control"), Some(format!("max-age={}", reported - 4)), "{control}");
            assert_eq!(got.field("age"), None);
            site.later(reported - 4);
            assert_eq!(site.get("/").await.x_cache(), "MISS", "{control}");
        }
    }
}

/// RFC 9111, 5.1.
#[tokio::test]
async fn every_cached_response_has_an_age() {
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

/// RFC 9111, 4.2.3.
#[tokio::test]
async fn the_age_that_a_response_arrives_with_is_added() {
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
        let life = lifetime_of(headers).await;
        assert!(is_about(life, left), "{age}: {life:?}");
    }
    for age in ["7200", "2147483648", "99999999999999999999"] {
        let headers = vec![("cache-control", "max-age=3600".to_owned()), ("age", age.to_owned())];
        assert_eq!(lifetime_of(headers).await, None, "{age}");
    }
}

/// RFC 9213, 2.2.
#[tokio::test]
async fn a_targeted_field_precedes_cache_control() {
    let life = |targeted: &str, control: &str| {
        lifetime_of(vec![("cdn-cache-control", targeted.to_owned()), ("cache-control", control.to_owned())])
    };
    assert!(is_about(life("max-age=100", "no-store").await, 100));
    assert_eq!(life("no-store", "max-age=3600").await, None);
    assert_eq!(life("max-age=0", "max-age=3600").await, None);
    // A malformed field is ignored.
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

/// RFC 9111, 4.2.3.
#[tokio::test]
async fn clock_skew_causes_no_negative_age_and_no_endless_lifetime() {
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
    // Redis counts the remaining time, whichever clock is wrong.
    let keys = shared().command(&["KEYS", &format!("{prefix}*")]);
    let left: i64 = shared().command(&["PTTL", keys.trim()]).parse().expect("a time");
    assert!(left > 0 && left <= 86_500_000, "{left}");
}
