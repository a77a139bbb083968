//! The selection of a stored response by `Vary`.

use support::wire::{Origin, declared, proxies, response};

use super::lifetime::FRESH;

/// Makes an origin whose body shows the selecting headers.
fn tongues(vary: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |n, parts| {
            let tongue = parts.headers.get("accept-language").map(|tongue| tongue.to_str().expect("text"));
            let headers = [vary, FRESH].concat();
            Ok(response(200, &headers, format!("{tongue:?} {n}")))
        })
    }
}

/// RFC 9111, 4.1.
#[tokio::test]
async fn responses_are_selected_by_the_headers_that_vary_names() {
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

/// RFC 9111, 4.1.
#[tokio::test]
async fn vary_is_a_case_insensitive_list_over_several_lines() {
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

/// RFC 9111, 4.1.
#[tokio::test]
async fn vary_any_is_never_reused() {
    for vary in [
        &[("vary", "*")][..],
        &[("vary", "*, foo")],
        &[("vary", "foo, *")],
        &[("vary", ", *")],
        &[("vary", "foo"), ("vary", "*")],
        &[("vary", "not a name")],
    ] {
        for site in proxies(tongues(vary)).await {
            assert!(!site.caches("/").await, "{vary:?}");
        }
    }
}

/// RFC 9111, 4.1.
#[tokio::test]
async fn a_changed_vary_leaves_no_older_variant() {
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
        // The response varies by another header now, so the variants of the first one are gone.
        site.get_with("/", &[("x-a", "3"), ("x-b", "1")]).await;
        let got = site.get_with("/", &one).await;
        assert!(got.text().parse::<u8>().expect("a number") > 2, "{got:?}");
        assert_eq!(site.get_with("/", &one).await.brief(), ("HIT".to_owned(), got.text()));
    }
}

/// RFC 9111, 4.1.
#[tokio::test]
async fn credentials_in_vary_have_separate_entries_and_cookies_are_bypassed() {
    for site in declared(|| Origin::says(200, &[("vary", "cookie")])).await {
        assert!(site.caches("/").await);
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
