//! Handlers with `#[cache_evict(response)]`.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use larder::cache_evict;
use larder::http::ResponseCacheLayer;
use support::http::Server;
use support::stores::{caches, in_time, on, unique};
use support::wire::{Origin, ask, request};

use super::shop::{Shop, serve, slow_entry};

#[tokio::test]
async fn entries_are_evicted_before_the_response_is_sent() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        for (path, other) in [
            ("/items/1", "/items/2"),
            ("/named/1", "/named/2"),
            ("/shelves/1", "/shelves/2"),
            ("/tagged/1", "/tagged/2"),
            ("/varied/1", "/varied/2"),
        ] {
            let old = server.get(path).await;
            server.get(other).await;
            assert_eq!(server.get(path).await.brief(), ("HIT", old.text()), "{cache:?} {path}");
            for _ in 0..20 {
                let before = server.get(path).await;
                assert_eq!(server.send("DELETE", path, &[], "").await.status, 200, "{cache:?} {path}");
                let after = server.get(path).await;
                assert_eq!(after.x_cache(), "MISS", "{cache:?} {path}");
                assert_ne!(after.text(), before.text(), "{cache:?} {path}");
            }
            assert_eq!(server.get(path).await.x_cache(), "HIT", "{cache:?} {path}");
            assert_eq!(server.get(other).await.x_cache(), "HIT", "{cache:?} {other}");
        }
        // The store refuses, and the handler has run.
        cache.chaos().refuse();
        assert_eq!(server.send("DELETE", "/items/1", &[], "").await.status, 200, "{cache:?}");
        cache.chaos().heal();
    }
}

#[tokio::test]
async fn groups_are_evicted_separately() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        let paths = ["/shelves/1?a=1", "/shelves/1?a=2", "/shelves/1", "/shelves/11", "/shelves/2"];
        for path in paths {
            server.get(path).await;
            assert_eq!(server.get(path).await.x_cache(), "HIT", "{cache:?} {path}");
        }
        server.send("DELETE", "/shelves/1", &[], "").await;
        for (path, from) in paths.into_iter().zip(["MISS", "MISS", "MISS", "HIT", "HIT"]) {
            assert_eq!(server.get(path).await.x_cache(), from, "{cache:?} {path}");
        }
        // A glob is a literal name.
        cache.delete_group("shelf:*").await.expect("carried out");
        cache.delete_group("shelf:?").await.expect("carried out");
        for path in paths {
            assert_eq!(server.get(path).await.x_cache(), "HIT", "{cache:?} {path}");
        }
    }
}

#[tokio::test]
async fn the_status_decides_whether_the_handler_succeeded() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let server = serve(&shop).await;
        for method in ["DELETE", "POST"] {
            for (status, is_success) in [
                (200, true),
                (201, true),
                (204, true),
                (400, false),
                (404, false),
                (409, false),
                (500, false),
            ] {
                server.get("/items/1").await;
                let stored = server.get("/items/1").await;
                assert_eq!(stored.x_cache(), "HIT", "{cache:?}");
                shop.fails_with(status);
                let answer = server.send(method, "/items/1", &[], "").await;
                // A handler with a `Result` returns 200 on success.
                let expected = if is_success && method == "POST" { 200 } else { status };
                assert_eq!((answer.status, answer.header("x-cache")), (expected, None), "{cache:?}");
                let after = server.get("/items/1").await;
                if is_success {
                    assert_eq!(after.x_cache(), "MISS", "{cache:?} {method} {status}");
                } else {
                    assert_eq!(after.brief(), ("HIT", stored.text()), "{cache:?} {method} {status}");
                }
            }
        }
        shop.fails_with(0);
        server.get("/redirects/1").await;
        assert_eq!(server.send("POST", "/redirects/1", &[], "").await.status, 303, "{cache:?}");
        assert_eq!(server.get("/redirects/1").await.x_cache(), "MISS", "{cache:?}");
        // A request with another body is rejected before the handler runs.
        server.get("/both/1").await;
        assert_eq!(server.send("POST", "/both/1", &[], "no form").await.status, 415, "{cache:?}");
        assert_eq!(server.get("/both/1").await.x_cache(), "HIT", "{cache:?}");
        // With `before` the outcome does not matter.
        server.get("/tagged/1").await;
        shop.fails_with(500);
        server.send("PUT", "/tagged/1", &[], "").await;
        assert_eq!(server.get("/tagged/1").await.x_cache(), "MISS", "{cache:?}");
    }
}

#[cache_evict(response, url = "/names/{name}", cache = shop.cache)]
async fn forget_name(Path(name): Path<String>, shop: State<Shop>) -> StatusCode {
    drop(name);
    shop.write(1)
}

#[tokio::test]
async fn an_evicted_url_is_written_as_clients_write_it() {
    let names = ["caf%C3%A9", "a%2Fb", "a:b", "a%20b", "plain", "a+b", "50%25", "a%3Fb", "a;b=c"];
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let layer = ResponseCacheLayer::new().expire("1h").cache(cache);
        let router = Router::new()
            .route("/names/{name}", get(async |shop: State<Shop>| shop.read(1)))
            .layer(layer)
            .route("/forget/{name}", get(async || "nothing").post(forget_name))
            .with_state(shop.clone());
        let server = Server::start(router).await;
        let url = |name| format!("/names/{name}");
        for name in names {
            assert_eq!(server.get(&url(name)).await.x_cache(), "MISS", "{cache:?} {name}");
        }
        for name in &names[..5] {
            for other in names {
                server.get(&url(other)).await;
                assert_eq!(server.get(&url(other)).await.x_cache(), "HIT", "{cache:?} {other}");
            }
            let answer = server.send("POST", &format!("/forget/{name}"), &[], "").await;
            assert_eq!(answer.status, 200, "{cache:?} {name}");
            for other in names {
                let from = if other == *name { "MISS" } else { "HIT" };
                assert_eq!(server.get(&url(other)).await.x_cache(), from, "{cache:?} {name} {other}");
            }
        }
    }
}

#[tokio::test]
async fn a_layer_invalidates_a_url_under_every_setting_of_its_keys() {
    let hour = ResponseCacheLayer::new().expire("1h");
    let by_path = |parts: &Parts| format!("own:{}", parts.uri.path());
    let fields = [("host", "a.example"), ("authorization", "Bearer alice")];
    for cache in &caches().await {
        for (layer, uri, url, other) in [
            (hour.clone(), "/items?b=2&a=1", "/items?a=1&b=2", "/items?a=1"),
            (hour.clone().version(3), "/items?page=1", "/items?page=1", "/items?page=2"),
            (hour.clone().query_allow(["page"]), "/items?page=1&x=1", "/items?x=2&page=1", "/items?page=2"),
            (hour.clone().authority(true), "/items?page=1", "http://a.example/items?page=1", "/items"),
            (hour.clone().key(by_path), "/items?page=1", "/items", "/other"),
            (hour.clone().group("shelf"), "/items", "/items", "/items/"),
            (hour.clone().tag("all").vary(["accept"]).private(), "/items", "/items", "/items/"),
            (hour.clone().obey_origin(), "/items", "http://a.example/items", "/items/"),
        ] {
            cache.clear().await.expect("cleared");
            let layer = layer.cache(cache);
            let about = format!("{cache:?} {layer:?} {uri} {url}");
            let origin = Origin::says(200, &[("cache-control", "max-age=3600")]);
            let service = origin.behind(&layer);
            // Other layers bypass requests with a credential.
            let fields = if about.contains("Private") { &fields[..] } else { &fields[..1] };
            let get = async |uri| ask(&service, request("GET", uri, fields)).await.expect("it is reached");
            for uri in [uri, other, uri, other] {
                get(uri).await;
            }
            assert_eq!(origin.calls(), 2, "{about}");
            assert!(layer.invalidate(url).await.expect("carried out"), "{about}");
            assert_eq!(get(other).await.x_cache(), "HIT", "{about}");
            assert_eq!(get(uri).await.x_cache(), "MISS", "{about}");
            assert!(layer.invalidate(url).await.expect("carried out"), "{about}");
            assert!(!layer.invalidate(url).await.expect("carried out"), "{about}");
            assert!(layer.invalidate("not a url").await.is_err(), "{about}");
        }
    }
}

#[derive(Clone)]
struct Tenant(&'static str);

#[tokio::test]
async fn a_change_invalidates_the_entry_of_its_custom_key() {
    let make = |parts: &Parts| {
        let tenant = parts.extensions.get::<Tenant>().map_or("nobody", |tenant| tenant.0);
        format!("{tenant}:{}", parts.uri.path())
    };
    for cache in &caches().await {
        let layer = ResponseCacheLayer::new().expire("1h").key(make).version(2).cache(cache);
        let service = Origin::says(200, &[]).behind(&layer);
        let send = async |method, tenant| {
            let mut request = request(method, "/items", &[]);
            request.extensions_mut().insert(Tenant(tenant));
            ask(&service, request).await.expect("it is reached").x_cache()
        };
        for (method, tenant, x_cache) in [
            ("GET", "a", "MISS"),
            ("GET", "b", "MISS"),
            ("GET", "a", "HIT"),
            ("POST", "a", "BYPASS"),
            ("GET", "b", "HIT"),
            ("GET", "a", "MISS"),
            ("DELETE", "b", "BYPASS"),
            ("GET", "a", "HIT"),
            ("GET", "b", "MISS"),
        ] {
            assert_eq!(send(method, tenant).await, x_cache, "{cache:?} {method} {tenant}");
        }
    }
}

#[tokio::test]
async fn several_attributes_on_one_handler() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        server.get("/tagged/1").await;
        server.get("/both/1").await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = server.send("POST", "/both/1", &form, "a=b").await;
        assert_eq!((answer.status, answer.text()), (200, r#"{"z":null,"a":"b"}"#), "{cache:?}");
        assert_eq!(server.get("/both/1").await.brief(), ("HIT", answer.text()), "{cache:?}");
        assert_eq!(server.get("/tagged/1").await.x_cache(), "MISS", "{cache:?}");
    }
}

#[tokio::test]
async fn the_handle_invalidates_responses_by_tag_group_and_key() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        let german = [("accept-language", "de")];
        let fill = async || {
            for path in ["/tagged/1", "/tagged/2", "/varied/1", "/shelves/1", "/named/1", "/items/1"] {
                server.get(path).await;
                assert_eq!(server.get(path).await.x_cache(), "HIT", "{cache:?} {path}");
            }
            server.get_with("/tagged/1", &german).await;
            assert_eq!(server.get_with("/tagged/1", &german).await.x_cache(), "HIT", "{cache:?}");
        };
        fill().await;
        cache.group("shelf:1").set("own", &1, "1h").await.expect("stored");
        cache.delete_group("shelf:1").await.expect("carried out");
        assert_eq!(cache.group("shelf:1").get::<u8>("own").await, None, "{cache:?}");
        assert_eq!(server.get("/shelves/1").await.x_cache(), "MISS", "{cache:?}");
        cache.invalidate_tag("item:1").await.expect("carried out");
        assert_eq!(server.get_with("/tagged/1", &german).await.x_cache(), "MISS", "{cache:?}");
        for (path, from) in [
            ("/tagged/1", "MISS"),
            ("/varied/1", "MISS"),
            ("/tagged/2", "HIT"),
            ("/named/1", "HIT"),
            ("/items/1", "HIT"),
        ] {
            assert_eq!(server.get(path).await.x_cache(), from, "{cache:?} {path}");
        }
        fill().await;
        cache.invalidate_tags(&["all", "item:*", "it"]).await.expect("carried out");
        for (path, from) in [("/tagged/1", "MISS"), ("/tagged/2", "MISS"), ("/varied/1", "HIT")] {
            assert_eq!(server.get(path).await.x_cache(), from, "{cache:?} {path}");
        }
        fill().await;
        assert!(!cache.delete("none").await.expect("carried out"));
        assert_eq!(cache.delete_pattern("named:[").await.expect("carried out"), 0, "{cache:?}");
        fill().await;
        assert!(cache.delete("named:1").await.expect("carried out"), "{cache:?}");
        assert_eq!(server.get("/named/1").await.x_cache(), "MISS", "{cache:?}");
        assert_eq!(server.get("/items/1").await.x_cache(), "HIT", "{cache:?}");
    }
}

#[tokio::test]
async fn a_response_computed_before_an_invalidation_is_not_stored() {
    for cache in &caches().await {
        for by in ["entry", "group", "tag"] {
            let shop = Shop::new(cache);
            let server = serve(&shop).await;
            let asked = tokio::spawn(async move { server.get("/slow/1").await });
            shop.gate.arrived(1).await;
            shop.write(1);
            match by {
                "entry" => slow_entry(Path(1), State(shop.clone())).invalidate().await,
                "group" => cache.delete_group("slow").await,
                _ => cache.invalidate_tag("item:1").await,
            }
            .expect("carried out");
            shop.gate.open();
            let old = in_time(asked).await.expect("no panic");
            assert_eq!((old.status, old.text()), (200, "v1"), "{cache:?} {by}");
            assert_eq!(server.get("/slow/1").await.brief(), ("MISS", "v2"), "{cache:?} {by}");
            slow_entry(Path(1), State(shop.clone())).invalidate().await.expect("carried out");
        }
    }
}

#[tokio::test]
async fn a_response_computed_before_an_invalidation_by_another_process_is_not_stored() {
    let prefix = unique("write");
    let one = || on(support::deployment::shared()).prefix(&prefix).require_redis(true).build();
    let caches = [one().await.expect("a cache"), one().await.expect("a cache")];
    for by in ["entry", "group", "tag"] {
        let shops = [Shop::new(&caches[0]), Shop::new(&caches[1])];
        let servers = [serve(&shops[0]).await, serve(&shops[1]).await];
        let reader = servers[0];
        let asked = tokio::spawn(async move { reader.get("/slow/1").await });
        shops[0].gate.arrived(1).await;
        shops[0].write(1);
        match by {
            "entry" => slow_entry(Path(1), State(shops[1].clone())).invalidate().await,
            "group" => caches[1].delete_group("slow").await,
            _ => caches[1].invalidate_tag("item:1").await,
        }
        .expect("carried out");
        shops[0].gate.open();
        assert_eq!(in_time(asked).await.expect("no panic").text(), "v1", "{by}");
        assert_eq!(servers[0].get("/slow/1").await.brief(), ("MISS", "v2"), "{by}");
        slow_entry(Path(1), State(shops[0].clone())).invalidate().await.expect("carried out");
    }
}
