//! `unless`, `expire_with`, `tags` and `name`.

use std::time::Duration;

use axum::body::Body;
use futures_util::stream;
use larder::Expire;
use larder::http::ResponseCacheLayer;
use support::stores::{caches, counts};
use support::wire::{Origin, ask, request, response, sites};

use super::minute::minute;

/// An origin whose status and body are those that the path names.
fn named() -> Origin {
    Origin::new(|n, parts| {
        let mut path = parts.uri.path()[1..].split('/');
        let status = path.next().and_then(|status| status.parse().ok()).unwrap_or(200);
        Ok(response(status, &[], format!("{} {n}", path.next().unwrap_or_default())))
    })
}

#[tokio::test]
async fn a_response_that_unless_holds_for_is_not_cached() {
    let layer = minute()
        .unless(|response| response.body().starts_with(b"small"))
        .unless(|response| response.headers().contains_key("x-never"));
    for site in sites(layer, named).await {
        assert!(site.caches("/200/large").await);
        assert!(!site.caches("/200/small").await);
        assert_eq!(site.get("/200/small").await.x_cache(), "BYPASS");
    }
    let never = minute().unless(|_| true).unless(|_| false);
    for site in sites(never, || Origin::says(200, &[("x-never", "1")])).await {
        assert!(!site.caches("/").await);
    }
    let panics = minute().unless(|response| panic!("as the test wants it: {response:?}"));
    for site in sites(panics, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/").await.brief(), ("BYPASS".to_owned(), "0".to_owned()));
        assert_eq!(site.get("/").await.brief(), ("BYPASS".to_owned(), "1".to_owned()));
    }
}

#[tokio::test]
async fn unless_sees_a_body_that_comes_in_pieces_whole() {
    let origin = || {
        Origin::new(|_, _| {
            let pieces = stream::iter(["begin", " ", "end"].map(Ok::<_, std::convert::Infallible>));
            Ok(response(200, &[], Body::from_stream(pieces)))
        })
    };
    for (unless, caches) in [("begin end", false), ("begin", true)] {
        for site in sites(minute().unless(move |response| response.body() == unless), origin).await {
            assert_eq!(site.get("/").await.text(), "begin end");
            assert_eq!(site.caches("/").await, caches);
        }
    }
}

#[tokio::test]
async fn expire_with_decides_for_each_response() {
    let layer = minute().expire_with(|response| match &response.body()[..4] {
        b"long" => Expire::After(Duration::from_secs(600)),
        b"ever" => Expire::Never,
        _ => Expire::After(Duration::from_secs(5)),
    });
    for site in sites(layer, named).await {
        for (uri, life) in [("/200/brief", 5), ("/200/long", 600)] {
            site.get(uri).await;
            site.later(life - 1);
            assert_eq!(site.get(uri).await.x_cache(), "HIT", "{uri}");
            site.later(1);
            assert_eq!(site.get(uri).await.x_cache(), "MISS", "{uri}");
        }
        site.get("/200/ever").await;
        site.later(364 * 86_400);
        assert_eq!(site.get("/200/ever").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn a_response_and_an_origin_have_the_last_word_about_expiry() {
    let own = || Origin::says(200, &[("cache-control", "max-age=10")]);
    for site in sites(ResponseCacheLayer::new().expire_with(|_| "1h"), own).await {
        site.get("/").await;
        site.later(10);
        assert_eq!(site.get("/").await.x_cache(), "MISS");
    }
    for site in sites(ResponseCacheLayer::new().obey_origin().expire_with(|_| "1s"), own).await {
        site.get("/").await;
        site.later(9);
        assert_eq!(site.get("/").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn a_response_with_an_expiry_that_cannot_be_used_is_not_cached() {
    let panics = minute().expire_with(|response| -> u64 { panic!("as the test wants it: {response:?}") });
    for layer in [minute().expire_with(|_| "soon"), minute().expire_with(|_| 0), panics] {
        for site in sites(layer, || Origin::says(200, &[])).await {
            for body in ["0", "1"] {
                assert_eq!(site.get("/").await.brief(), ("BYPASS".to_owned(), body.to_owned()));
            }
        }
    }
}

#[test]
fn characters_are_no_tags() {
    let layer = minute().tags(|parts| parts.uri.path().chars().collect::<Vec<_>>());
    let error = layer.check().expect_err("a tag for each character").to_string();
    assert!(error.contains("tags") && error.contains("return a list"), "{error}");
    assert!(minute().tags(|parts| [parts.uri.path().to_owned()]).check().is_ok());
}

#[tokio::test]
async fn tags_of_a_request_invalidate_its_response() {
    let layer = minute().tag("all").tags(|parts| {
        let shop = parts.uri.path().strip_prefix("/shops/").and_then(|rest| rest.split('/').next());
        shop.map(|shop| format!("shop:{shop}"))
    });
    for site in sites(layer.tags(|_| ["all", "pages"]), || Origin::says(200, &[])).await {
        for (tag, kept) in [
            ("shop:7", &["/shops/8/a", "/about"][..]),
            ("shop:8", &["/shops/7/a", "/shops/7/b", "/about"]),
            ("pages", &[]),
            ("all", &[]),
        ] {
            let all = ["/shops/7/a", "/shops/7/b", "/shops/8/a", "/about"];
            for uri in all {
                site.get(uri).await;
                assert_eq!(site.get(uri).await.x_cache(), "HIT", "{tag} {uri}");
            }
            site.cache.invalidate_tag(tag).await.expect("the store is there");
            for uri in all {
                let x_cache = if kept.contains(&uri) { "HIT" } else { "MISS" };
                assert_eq!(site.get(uri).await.x_cache(), x_cache, "{tag} {uri}");
            }
        }
        site.get("/shops/7/a").await;
        site.send("POST", "/shops/7/a", &[]).await;
        assert_eq!(site.get("/shops/7/a").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn too_many_tags_bypass_the_cache() {
    let layer = minute().tags(|parts| {
        let most = parts.uri.query().and_then(|query| query.parse().ok()).unwrap_or(0);
        (0..most).map(|n: usize| n.to_string())
    });
    for site in sites(layer, || Origin::says(200, &[])).await {
        assert!(site.caches("/?64").await);
        assert!(!site.caches("/?65").await);
        assert_eq!(site.get("/?65").await.x_cache(), "BYPASS");
    }
}

#[tokio::test]
async fn layers_are_counted_by_their_names() {
    for cache in caches().await {
        let origin = Origin::says(200, &[]);
        let shop = origin.behind(&minute().name("shop").cache(&cache));
        let blog = origin.behind(&minute().name("blog").group("blog").cache(&cache));
        let plain = origin.behind(&minute().group("plain").cache(&cache));
        for (service, times) in [(&shop, 2), (&blog, 3), (&plain, 4)] {
            for _ in 0..times {
                ask(service, request("GET", "/", &[])).await.expect("a response");
            }
        }
        for (name, hits) in [("shop", 1), ("blog", 2), ("http", 3)] {
            let counted = counts(&cache, name);
            assert_eq!((counted.misses, counted.stores, counted.hits), (1, 1, hits), "{name}: {counted:?}");
        }
        // The name is no part of the key.
        let other = origin.behind(&minute().name("other").cache(&cache));
        assert_eq!(ask(&other, request("GET", "/", &[])).await.expect("a response").x_cache(), "HIT");
    }
}
