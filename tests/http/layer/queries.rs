//! `query_allow`: the service sees the parameters that the key has, and no others.

use axum::Router;
use axum::extract::{OriginalUri, RawQuery};
use axum::routing::get;
use support::stores::caches;
use support::wire::{Origin, Wire, response, serve, sites};

use super::minute::minute;

/// An origin that reflects its query.
fn reflects() -> Origin {
    Origin::new(|n, parts| {
        Ok(response(
            200,
            &[],
            format!("{n} {}", parts.uri.query().map_or("none".into(), |q| format!("[{q}]"))),
        ))
    })
}

#[tokio::test]
async fn the_service_sees_what_the_key_has() {
    for site in sites(minute().query_allow(["page", "q"]), reflects).await {
        for (uri, text) in [
            ("/?page=1&utm_source=x", "0 [page=1]"),
            ("/?page=1", "0 [page=1]"),
            ("/?fbclid=1&page=1&&", "0 [page=1]"),
            ("/?x=1&q=a+b&y=2&page=%31", "1 [q=a+b&page=%31]"),
            ("/?page=%31&q=a+b", "1 [q=a+b&page=%31]"),
            // Names are compared decoded, and stay as they were sent.
            ("/?%71=1&p%61ge", "2 [%71=1&p%61ge]"),
            ("/?utm_source=y", "3 none"),
            ("/", "3 none"),
            ("/?", "3 none"),
            ("/?PAGE=1&pages=2", "3 none"),
        ] {
            assert_eq!(site.get(uri).await.text(), text, "{uri}");
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_allowed_is_reflected_to_nobody() {
    for site in sites(minute().query_allow(["a"]), reflects).await {
        for uri in ["/?a%00=EVIL&a=3", "/?a=3&b=EVIL", "/?%00a=EVIL&a=3", "/?a=3&A=EVIL", "/?a=3"] {
            assert_eq!(site.get(uri).await.text(), "0 [a=3]", "{uri}");
        }
    }
}

#[tokio::test]
async fn a_request_that_bypasses_the_cache_keeps_its_query() {
    for site in sites(minute().query_allow(["a"]), reflects).await {
        for (n, method, headers) in [
            (0, "POST", &[][..]),
            (1, "GET", &[("authorization", "Bearer alice")]),
            (2, "GET", &[("cache-control", "no-store")]),
        ] {
            assert_eq!(site.send(method, "/?b=1&a=2", headers).await.text(), format!("{n} [b=1&a=2]"));
        }
        // Others do not, whether they are stored or not.
        site.send("HEAD", "/?b=1&a=2", &[]).await;
        assert_eq!(site.origin.last().uri.query(), Some("a=2"));
        let range = [("range", "bytes=0-"), ("cache-control", "no-cache")];
        assert_eq!(site.get_with("/?b=1&a=2", &range).await.text(), "4 [a=2]");
    }
}

#[tokio::test]
async fn a_change_invalidates_what_is_left_of_its_url() {
    for site in sites(minute().query_allow(["a"]), reflects).await {
        site.get("/?a=1").await;
        site.get("/?a=2").await;
        site.send("POST", "/?utm=x&a=1", &[]).await;
        assert_eq!(site.get("/?a=2").await.x_cache(), "HIT");
        assert_eq!(site.get("/?a=1").await.x_cache(), "MISS");
    }
    let keyed = minute().query_allow(["a"]).key(|parts| parts.uri.to_string());
    for site in sites(keyed, reflects).await {
        site.get("/?a=1&b=2").await;
        assert_eq!(site.get("/?b=3&a=1").await.x_cache(), "HIT");
        site.send("POST", "/?b=4&a=1", &[]).await;
        assert_eq!(site.get("/?a=1").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn an_empty_query_is_another_url_than_none() {
    for cache in caches().await {
        let raw = async |RawQuery(query): RawQuery| format!("{query:?}");
        let app = Router::new().route("/x", get(raw));
        let mut wire = Wire::to(serve(app.clone().layer(minute().cache(&cache))).await).await;
        for (uri, x_cache, text) in [
            ("/x", "MISS", "None"),
            ("/x?", "MISS", "Some(\"\")"),
            ("/x", "HIT", "None"),
            ("/x?", "HIT", "Some(\"\")"),
        ] {
            let got = wire.exchange("GET", uri, &[]).await;
            assert_eq!(got.brief(), (x_cache.to_owned(), text.to_owned()), "{uri}");
        }
        cache.clear().await.expect("cleared");
        let app = app.layer(minute().query_allow(["a"]).cache(&cache));
        let mut wire = Wire::to(serve(app).await).await;
        for (uri, x_cache) in [("/x?utm=1", "MISS"), ("/x?", "HIT"), ("/x", "HIT")] {
            let got = wire.exchange("GET", uri, &[]).await;
            assert_eq!(got.brief(), (x_cache.to_owned(), "None".to_owned()), "{uri}");
        }
    }
}

#[tokio::test]
async fn a_nested_router_sees_the_reduced_url_in_every_form() {
    for cache in caches().await {
        let seen = async |OriginalUri(original): OriginalUri, RawQuery(query): RawQuery| {
            format!("{original} {query:?}")
        };
        let layer = minute().query_allow(["a"]).cache(&cache);
        let inner = Router::new().route("/x", get(seen)).layer(layer);
        let mut wire = Wire::to(serve(Router::new().nest("/in", inner)).await).await;
        for (uri, x_cache) in [("/in/x?b=EVIL&a=1", "MISS"), ("/in/x?a=1", "HIT")] {
            let got = wire.exchange("GET", uri, &[]).await;
            let text = got.text();
            assert!(text.ends_with("/in/x?a=1 Some(\"a=1\")"), "{text}");
            assert_eq!(got.x_cache(), x_cache);
        }
    }
}

#[tokio::test]
async fn a_key_of_ones_own_is_invalidated_in_a_nested_router() {
    for cache in caches().await {
        let layer = minute().key(|parts| parts.uri.path().to_owned()).cache(&cache);
        let inner = Router::new().route("/x", get(async || "page").delete(async || "gone")).layer(layer);
        let mut wire = Wire::to(serve(Router::new().nest("/in", inner)).await).await;
        for (method, x_cache) in [("GET", "MISS"), ("GET", "HIT"), ("DELETE", "BYPASS"), ("GET", "MISS")] {
            assert_eq!(wire.exchange(method, "/in/x", &[]).await.x_cache(), x_cache, "{method}");
        }
    }
}

#[tokio::test]
async fn closures_see_the_whole_url_in_a_nested_router() {
    for cache in caches().await {
        let layer = minute()
            .key(|parts| parts.uri.path().to_owned())
            .tags(|parts| [format!("page:{}", parts.uri.path())])
            .when(|parts| !parts.uri.path().ends_with("/admin/x"))
            .cache(&cache);
        let page = async |OriginalUri(uri): OriginalUri| uri.to_string();
        let inner = Router::new().route("/x", get(page)).layer(layer);
        let mut wire = Wire::to(serve(Router::new().nest("/t/{tenant}", inner)).await).await;
        for (uri, x_cache) in
            [("/t/ann/x", "MISS"), ("/t/bob/x", "MISS"), ("/t/ann/x", "HIT"), ("/t/admin/x", "BYPASS")]
        {
            let got = wire.exchange("GET", uri, &[]).await;
            assert!(got.text().ends_with(uri), "{uri}: {}", got.text());
            assert_eq!(got.x_cache(), x_cache, "{uri}");
        }
        cache.invalidate_tag("page:/t/ann/x").await.expect("invalidated");
        for (uri, x_cache) in [("/t/ann/x", "MISS"), ("/t/bob/x", "HIT")] {
            assert_eq!(wire.exchange("GET", uri, &[]).await.x_cache(), x_cache, "{uri}");
        }
    }
}

#[test]
fn private_and_shared_contradict_each_other() {
    for layer in [minute().private().shared(), minute().shared().private()] {
        let error = layer.check().expect_err("two audiences").to_string();
        assert!(error.contains("remove one of them"), "{error}");
    }
    assert!(minute().private().private().check().is_ok());
}
