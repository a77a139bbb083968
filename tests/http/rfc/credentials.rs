//! Credentials, cookies and responses for one client.

use std::sync::Arc;

use futures_util::future::join_all;
use support::stores::{Gate, in_time};
use support::wire::{Origin, declared, proxies, response};

use super::lifetime::FRESH;

/// RFC 9111, 3.5.
#[tokio::test]
async fn a_response_to_credentials_is_stored_only_if_the_response_allows_it() {
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
        // Without an origin that decides, only the options of the layer do.
        for site in declared(origin).await {
            for _ in 0..2 {
                assert_eq!(site.get_with("/", &known).await.x_cache(), "BYPASS", "{control}");
            }
        }
    }
}

/// RFC 9111 leaves cookies to the cache.
#[tokio::test]
async fn requests_with_cookies_are_bypassed_unless_the_origin_decides() {
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

/// RFC 9111, 7.3.
#[tokio::test]
async fn a_response_with_set_cookie_is_not_stored() {
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

/// RFC 9111, 4.
#[tokio::test]
async fn a_private_response_is_not_given_to_waiting_requests() {
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

/// RFC 9111, 4.
#[tokio::test]
async fn waiting_requests_get_the_response_that_is_stored() {
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
