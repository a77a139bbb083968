//! Handlers that change something: what they evict, put and leave alone, and the keys under which others are kept.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Form, OriginalUri, Path, Query, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use serde::{Deserialize, Serialize};
use support::http::Server;
use support::tiers::{Calls, Gate, caches, in_time, on, unique};
use support::wire::{Origin, Wire, ask, request};

/// A shop with one number for each item.
#[derive(Clone)]
struct Shop {
    cache: Cache,
    items: Arc<Mutex<BTreeMap<u64, u64>>>,
    /// What the next write answers with, if not with success.
    status: Arc<AtomicU64>,
    calls: Arc<Calls>,
    gate: Arc<Gate>,
}

impl IgnoreInKey for Shop {}

impl Shop {
    fn new(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            items: Arc::default(),
            status: Arc::default(),
            calls: Arc::default(),
            gate: Arc::default(),
        }
    }

    fn read(&self, id: u64) -> String {
        self.calls.add();
        format!("v{}", self.items.lock().expect("no panic").get(&id).copied().unwrap_or(1))
    }

    fn write(&self, id: u64) -> StatusCode {
        *self.items.lock().expect("no panic").entry(id).or_insert(1) += 1;
        StatusCode::from_u16(self.status.load(SeqCst).max(200) as u16).expect("a status")
    }

    fn fails_with(&self, status: u16) {
        self.status.store(status.into(), SeqCst);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Filter {
    z: Option<String>,
    a: Option<String>,
}

#[cache(response, expire = "1h", entry = item_entry, cache = shop.cache)]
async fn item(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", key = "named:{id}", cache = shop.cache)]
async fn named(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", group = "shelf:{id}", cache = shop.cache)]
async fn shelf(Path(id): Path<u64>, Query(filter): Query<Filter>, shop: State<Shop>) -> String {
    let _ = filter;
    shop.read(id)
}

#[cache(response, expire = "1h", tags = ["item:{id}", "all"], vary(accept_language), cache = shop.cache)]
async fn tagged(Path(id): Path<u64>, shop: State<Shop>) -> String {
    shop.read(id)
}

#[cache(response, expire = "1h", tags = ["item:{id}"], cache = shop.cache)]
async fn varied(Path(id): Path<u64>, shop: State<Shop>) -> Response {
    ([("vary", "accept-language")], shop.read(id)).into_response()
}

#[cache(response, expire = "1h", entry = slow_entry, group = "slow", tags = ["item:{id}"], cache = shop.cache)]
async fn slow(Path(id): Path<u64>, shop: State<Shop>) -> String {
    let read = shop.read(id);
    shop.gate.pass().await;
    read
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn by_entry(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn fallible(Path(id): Path<u64>, shop: State<Shop>) -> Result<String, (StatusCode, String)> {
    let status = shop.write(id);
    if status.is_success() { Ok("written".to_owned()) } else { Err((status, "not written".to_owned())) }
}

#[cache_evict(response, key = "named:{id}", cache = shop.cache)]
async fn by_key(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, group = "shelf:{id}", cache = shop.cache)]
async fn by_group(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, tags = ["item:{id}"], cache = shop.cache)]
async fn by_tag(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, tags = ["all"], before, cache = shop.cache)]
async fn before(Path(id): Path<u64>, shop: State<Shop>) -> StatusCode {
    shop.write(id)
}

#[cache_evict(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn redirects(Path(id): Path<u64>, shop: State<Shop>) -> Redirect {
    shop.write(id);
    Redirect::to("/")
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn put(Path(id): Path<u64>, shop: State<Shop>, body: String) -> Response {
    let status = shop.write(id);
    ([("x-own", "put")], (status, body)).into_response()
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), unless = |page| page.body().is_empty(), cache = shop.cache)]
async fn put_unless(Path(id): Path<u64>, shop: State<Shop>, body: String) -> String {
    shop.write(id);
    body
}

#[cache_evict(response, tags = ["item:{id}"], cache = shop.cache)]
#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn both(Path(id): Path<u64>, shop: State<Shop>, Form(form): Form<Filter>) -> Json<Filter> {
    shop.write(id);
    Json(form)
}

async fn serve(shop: &Shop) -> Server {
    let router = Router::new()
        .route("/items/{id}", get(item).delete(by_entry).post(fallible).put(put).patch(put_unless))
        .route("/redirects/{id}", get(item).post(redirects))
        .route("/both/{id}", get(item).post(both))
        .route("/named/{id}", get(named).delete(by_key))
        .route("/shelves/{id}", get(shelf).delete(by_group))
        .route("/tagged/{id}", get(tagged).delete(by_tag).put(before))
        .route("/varied/{id}", get(varied).delete(by_tag))
        .route("/slow/{id}", get(slow))
        .with_state(shop.clone());
    Server::start(router).await
}

#[tokio::test]
async fn seed_i1_i6_i7_evicted_before_the_response_is_sent() {
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
            assert_eq!(server.get(path).await.told(), ("HIT", old.text()), "{cache:?} {path}");
            for _ in 0..20 {
                let before = server.get(path).await;
                assert_eq!(server.send("DELETE", path, &[], "").await.status, 200, "{cache:?} {path}");
                let after = server.get(path).await;
                assert_eq!(after.from(), "MISS", "{cache:?} {path}");
                assert_ne!(after.text(), before.text(), "{cache:?} {path}");
            }
            assert_eq!(server.get(path).await.from(), "HIT", "{cache:?} {path}");
            assert_eq!(server.get(other).await.from(), "HIT", "{cache:?} {other}");
        }
        // Nothing can be removed, and the handler has done its work all the same.
        cache.chaos().refuse();
        assert_eq!(server.send("DELETE", "/items/1", &[], "").await.status, 200, "{cache:?}");
        cache.chaos().heal();
    }
}

#[tokio::test]
async fn seed_i2_i12_i14_groups_are_apart() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        let paths = ["/shelves/1?a=1", "/shelves/1?a=2", "/shelves/1", "/shelves/11", "/shelves/2"];
        for path in paths {
            server.get(path).await;
            assert_eq!(server.get(path).await.from(), "HIT", "{cache:?} {path}");
        }
        server.send("DELETE", "/shelves/1", &[], "").await;
        for (path, from) in paths.into_iter().zip(["MISS", "MISS", "MISS", "HIT", "HIT"]) {
            assert_eq!(server.get(path).await.from(), from, "{cache:?} {path}");
        }
        // A glob is a name like any other.
        cache.delete_group("shelf:*").await.expect("carried out");
        cache.delete_group("shelf:?").await.expect("carried out");
        for path in paths {
            assert_eq!(server.get(path).await.from(), "HIT", "{cache:?} {path}");
        }
    }
}

#[tokio::test]
async fn seed_i3_i4_the_status_says_whether_it_succeeded() {
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
                let kept = server.get("/items/1").await;
                assert_eq!(kept.from(), "HIT", "{cache:?}");
                shop.fails_with(status);
                let answer = server.send(method, "/items/1", &[], "").await;
                // A handler with a `Result` says 200 when it succeeds.
                let expected = if is_success && method == "POST" { 200 } else { status };
                assert_eq!((answer.status, answer.header("x-cache")), (expected, None), "{cache:?}");
                let after = server.get("/items/1").await;
                if is_success {
                    assert_eq!(after.from(), "MISS", "{cache:?} {method} {status}");
                } else {
                    assert_eq!(after.told(), ("HIT", kept.text()), "{cache:?} {method} {status}");
                }
            }
        }
        shop.fails_with(0);
        server.get("/redirects/1").await;
        assert_eq!(server.send("POST", "/redirects/1", &[], "").await.status, 303, "{cache:?}");
        assert_eq!(server.get("/redirects/1").await.from(), "MISS", "{cache:?}");
        // What the body of a request cannot be taken for is refused before the handler runs.
        server.get("/both/1").await;
        assert_eq!(server.send("POST", "/both/1", &[], "no form").await.status, 415, "{cache:?}");
        assert_eq!(server.get("/both/1").await.from(), "HIT", "{cache:?}");
        // With `before` whatever comes of it.
        server.get("/tagged/1").await;
        shop.fails_with(500);
        server.send("PUT", "/tagged/1", &[], "").await;
        assert_eq!(server.get("/tagged/1").await.from(), "MISS", "{cache:?}");
    }
}

#[tokio::test]
async fn seed_i8_i9_i10_what_was_put_is_what_get_finds() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let server = serve(&shop).await;
        for status in [200, 201, 202] {
            shop.fails_with(status);
            let body = format!("put with {status}");
            let answer = server.send("PUT", "/items/1", &[], &body).await;
            assert_eq!((answer.status, answer.told()), (status, ("MISS", body.as_str())), "{cache:?}");
            let hit = server.get("/items/1").await;
            assert_eq!((hit.status, hit.told()), (200, ("HIT", body.as_str())), "{cache:?}");
            assert_eq!((hit.header("x-own"), hit.tag()), (Some("put"), answer.tag()), "{cache:?}");
            assert!(hit.max_age().is_some_and(|left| left > 3580), "{cache:?}: {hit:?}");
            let same = server.ask("/items/1", &[("if-none-match", answer.tag())]).await;
            assert_eq!(same.status, 304, "{cache:?}");
        }
        assert_eq!(shop.calls.count(), 0, "{cache:?}");
        // What failed leaves what is there.
        let kept = server.get("/items/1").await;
        for status in [304, 400, 404, 500] {
            shop.fails_with(status);
            let answer = server.send("PUT", "/items/1", &[], "not kept").await;
            assert_eq!((answer.status, answer.header("etag")), (status, None), "{cache:?}");
            assert_eq!(server.get("/items/1").await.told(), ("HIT", kept.text()), "{cache:?} {status}");
        }
        shop.fails_with(0);
        let answer = server.send("PATCH", "/items/1", &[], "").await;
        assert_eq!((answer.status, answer.from()), (200, "BYPASS"), "{cache:?}");
        // Nothing can be kept, and the handler's response arrives all the same.
        cache.chaos().refuse();
        let answer = server.send("PUT", "/items/1", &[], "not kept either").await;
        assert_eq!((answer.status, answer.text()), (200, "not kept either"), "{cache:?}");
        cache.chaos().heal();
    }
}

#[tokio::test]
async fn a_put_that_is_not_to_be_kept_leaves_nothing_old() {
    #[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
    async fn secret(Path(id): Path<u64>, shop: State<Shop>, headers: HeaderMap) -> Response {
        shop.write(id);
        let kind = headers.get("x-kind").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind {
            "no-store" => ([("cache-control", "no-store")], "secret").into_response(),
            "cookie" => ([("set-cookie", "a=b")], "secret").into_response(),
            "vary" => ([("vary", "accept")], "secret").into_response(),
            _ => Response::new(Body::from(vec![b'a'; 11 << 20])),
        }
    }
    for cache in &caches().await {
        let shop = Shop::new(cache);
        // The same route as the one that reads.
        let router = Router::new().route("/items/{id}", get(item).put(secret)).with_state(shop.clone());
        let server = Server::start(router).await;
        for kind in ["no-store", "cookie", "vary", "large"] {
            server.get("/items/1").await;
            let old = server.get("/items/1").await;
            assert_eq!(old.from(), "HIT", "{cache:?}");
            let answer = server.send("PUT", "/items/1", &[("x-kind", kind)], "").await;
            assert_eq!((answer.status, answer.from()), (200, "BYPASS"), "{cache:?} {kind}");
            assert!(answer.body.len() == 11 << 20 || answer.text() == "secret", "{cache:?} {kind}");
            // The handler wrote, so what is kept is not what is there any more.
            let new = server.get("/items/1").await;
            assert_eq!(new.from(), "MISS", "{cache:?} {kind}");
            assert_ne!(new.text(), old.text(), "{cache:?} {kind}");
        }
    }
}

#[cache_put(response, entry = item_entry(Path(id), shop.clone()), cache = shop.cache)]
async fn put_kinds(Path(id): Path<u64>, shop: State<Shop>, headers: HeaderMap) -> Response {
    shop.write(id);
    match headers.get("x-kind").and_then(|kind| kind.to_str().ok()).unwrap_or_default() {
        "nothing" => StatusCode::NO_CONTENT.into_response(),
        "elsewhere" => Redirect::to("/items").into_response(),
        "short" => {
            let pieces = stream::iter([Ok::<_, io::Error>("four")]);
            ([("content-length", "9")], Body::from_stream(pieces)).into_response()
        }
        "events" => {
            let events = stream::iter([Ok::<_, io::Error>("data: 1\n\n")]).chain(stream::pending());
            ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
        }
        "created" => (StatusCode::CREATED, [("location", "/items/1")], "created").into_response(),
        _ => unreachable!("the test names another kind"),
    }
}

fn kinds(shop: &Shop) -> Router {
    Router::new().route("/items/{id}", get(item).put(put_kinds).patch(put_unless)).with_state(shop.clone())
}

#[tokio::test]
async fn a_put_that_says_nothing_or_breaks_off_or_is_refused_takes_the_old_entry_away() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = kinds(&shop);
        for (method, kind, status, body) in [
            ("PUT", "nothing", 204, ""),
            ("PUT", "elsewhere", 303, ""),
            ("PUT", "short", 200, "four"),
            ("PATCH", "refused", 200, ""),
        ] {
            let read = async || ask(&router, request("GET", "/items/1", &[])).await.expect("a response");
            read().await;
            let old = read().await;
            assert_eq!(old.x_cache(), "HIT", "{cache:?} {kind}");
            let put = request(method, "/items/1", &[("x-kind", kind)]);
            let got = ask(&router, put).await.expect("a response");
            assert_eq!((got.status, got.text().as_str()), (status, body), "{cache:?} {kind}");
            assert_eq!(got.x_cache(), "BYPASS", "{cache:?} {kind}");
            let location = (kind == "elsewhere").then(|| "/items".to_owned());
            assert_eq!(got.field("location"), location, "{cache:?} {kind}");
            let new = read().await;
            assert_eq!((new.status, new.x_cache().as_str()), (200, "MISS"), "{cache:?} {kind}");
            assert_ne!(new.text(), old.text(), "{cache:?} {kind}");
        }
    }
}

#[tokio::test]
async fn a_put_that_answers_with_events_is_sent_while_it_goes_on_and_takes_the_old_entry_away() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let address = support::wire::serve(kinds(&shop)).await;
        let read = async || Wire::to(address).await.exchange("GET", "/items/1", &[]).await;
        read().await;
        let old = read().await;
        assert_eq!(old.x_cache(), "HIT", "{cache:?}");
        let mut wire = Wire::to(address).await;
        wire.request("PUT", "/items/1", &[("x-kind", "events")]).await;
        let head = wire.head().await.expect("a head");
        assert_eq!((head.status, head.x_cache().as_str()), (200, "BYPASS"), "{cache:?}");
        assert_eq!(wire.chunk().await.as_deref(), Some(&b"data: 1\n\n"[..]), "{cache:?}");
        let new = read().await;
        assert_eq!(new.x_cache(), "MISS", "{cache:?}");
        assert_ne!(new.text(), old.text(), "{cache:?}");
    }
}

#[tokio::test]
async fn where_something_was_created_is_told_to_who_created_it_alone() {
    for cache in &caches().await {
        let router = kinds(&Shop::new(cache));
        let put = ask(&router, request("PUT", "/items/1", &[("x-kind", "created")])).await;
        let put = put.expect("a response");
        assert_eq!((put.status, put.field("location").as_deref()), (201, Some("/items/1")), "{cache:?}");
        let read = ask(&router, request("GET", "/items/1", &[])).await.expect("a response");
        assert_eq!((read.status, read.brief()), (200, ("HIT".to_owned(), "created".to_owned())));
        assert_eq!(read.field("location"), None, "{cache:?}");
    }
}

#[cache_evict(response, url = "/names/{name}", cache = shop.cache)]
async fn forget_name(Path(name): Path<String>, shop: State<Shop>) -> StatusCode {
    drop(name);
    shop.write(1)
}

#[tokio::test]
async fn a_url_that_is_evicted_is_the_one_that_clients_write() {
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
            assert_eq!(server.get(&url(name)).await.from(), "MISS", "{cache:?} {name}");
        }
        for name in &names[..5] {
            for other in names {
                server.get(&url(other)).await;
                assert_eq!(server.get(&url(other)).await.from(), "HIT", "{cache:?} {other}");
            }
            let answer = server.send("POST", &format!("/forget/{name}"), &[], "").await;
            assert_eq!(answer.status, 200, "{cache:?} {name}");
            for other in names {
                let from = if other == *name { "MISS" } else { "HIT" };
                assert_eq!(server.get(&url(other)).await.from(), from, "{cache:?} {name} {other}");
            }
        }
    }
}

#[tokio::test]
async fn a_layer_removes_what_it_keeps_of_a_url_whatever_its_settings_say_of_keys() {
    let hour = ResponseCacheLayer::new().expire("1h");
    let by_path = |parts: &Parts| format!("own:{}", parts.uri.path());
    let host = [("host", "a.example")];
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
            let about = format!("{cache:?} {uri} {url}");
            let origin = Origin::says(200, &[("cache-control", "max-age=3600")]);
            let service = origin.behind(&layer);
            let get = async |uri| ask(&service, request("GET", uri, &host)).await.expect("it is reached");
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
async fn a_change_removes_what_a_key_of_ones_own_names_whatever_the_key_is_made_of() {
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

#[cache(response, expire = "1h", private, entry = mine_entry, cache = shop.cache)]
async fn mine(shop: State<Shop>, headers: HeaderMap) -> String {
    let who = headers.get("authorization").and_then(|who| who.to_str().ok()).unwrap_or("nobody");
    format!("{who} {}", shop.read(1))
}

#[cache_put(response, entry = mine_entry(shop.clone(), HeaderMap::new()), cache = shop.cache)]
async fn put_mine(shop: State<Shop>, body: String) -> String {
    shop.write(1);
    body
}

#[tokio::test]
async fn what_one_client_put_is_not_for_another_where_each_has_its_own() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = Router::new().route("/mine", get(mine).put(put_mine)).with_state(shop.clone());
        let server = Server::start(router).await;
        let (alice, bob) = ([("authorization", "alice")], [("authorization", "bob")]);
        for version in ["v2", "v3"] {
            server.send("PUT", "/mine", &alice, "alice's secret").await;
            for (who, name) in [(&bob[..], "bob"), (&alice[..], "alice"), (&[], "nobody")] {
                let own = format!("{name} {version}");
                assert_eq!(server.ask("/mine", who).await.told(), ("MISS", own.as_str()), "{cache:?}");
                assert_eq!(server.ask("/mine", who).await.told(), ("HIT", own.as_str()), "{cache:?}");
            }
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
        assert_eq!(server.get("/both/1").await.told(), ("HIT", answer.text()), "{cache:?}");
        assert_eq!(server.get("/tagged/1").await.from(), "MISS", "{cache:?}");
    }
}

#[tokio::test]
async fn seed_i11_i13_i15_i16_tags_groups_and_keys_of_the_handle() {
    for cache in &caches().await {
        let server = serve(&Shop::new(cache)).await;
        let german = [("accept-language", "de")];
        let fill = async || {
            for path in ["/tagged/1", "/tagged/2", "/varied/1", "/shelves/1", "/named/1", "/items/1"] {
                server.get(path).await;
                assert_eq!(server.get(path).await.from(), "HIT", "{cache:?} {path}");
            }
            server.ask("/tagged/1", &german).await;
            assert_eq!(server.ask("/tagged/1", &german).await.from(), "HIT", "{cache:?}");
        };
        fill().await;
        cache.group("shelf:1").set("own", &1, "1h").await.expect("stored");
        cache.delete_group("shelf:1").await.expect("carried out");
        assert_eq!(cache.group("shelf:1").get::<u8>("own").await, None, "{cache:?}");
        assert_eq!(server.get("/shelves/1").await.from(), "MISS", "{cache:?}");
        cache.invalidate_tag("item:1").await.expect("carried out");
        assert_eq!(server.ask("/tagged/1", &german).await.from(), "MISS", "{cache:?}");
        for (path, from) in [
            ("/tagged/1", "MISS"),
            ("/varied/1", "MISS"),
            ("/tagged/2", "HIT"),
            ("/named/1", "HIT"),
            ("/items/1", "HIT"),
        ] {
            assert_eq!(server.get(path).await.from(), from, "{cache:?} {path}");
        }
        fill().await;
        cache.invalidate_tags(&["all", "item:*", "it"]).await.expect("carried out");
        for (path, from) in [("/tagged/1", "MISS"), ("/tagged/2", "MISS"), ("/varied/1", "HIT")] {
            assert_eq!(server.get(path).await.from(), from, "{cache:?} {path}");
        }
        fill().await;
        assert!(!cache.delete("none").await.expect("carried out"));
        assert_eq!(cache.delete_pattern("named:[").await.expect("carried out"), 0, "{cache:?}");
        fill().await;
        assert!(cache.delete("named:1").await.expect("carried out"), "{cache:?}");
        assert_eq!(server.get("/named/1").await.from(), "MISS", "{cache:?}");
        assert_eq!(server.get("/items/1").await.from(), "HIT", "{cache:?}");
    }
}

#[tokio::test]
async fn seed_i18_what_was_computed_before_is_not_kept_afterwards() {
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
            assert_eq!(server.get("/slow/1").await.told(), ("MISS", "v2"), "{cache:?} {by}");
            slow_entry(Path(1), State(shop.clone())).invalidate().await.expect("carried out");
        }
    }
}

#[tokio::test]
async fn seed_i18_in_another_process_neither() {
    let prefix = unique("write");
    let one = || on(support::redis::shared()).prefix(&prefix).require_redis(true).build();
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
        assert_eq!(servers[0].get("/slow/1").await.told(), ("MISS", "v2"), "{by}");
        slow_entry(Path(1), State(shops[0].clone())).invalidate().await.expect("carried out");
    }
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn listed(Query(pairs): Query<Vec<(String, String)>>, shop: State<Shop>) -> String {
    format!("{pairs:?}{}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn filtered(Query(filter): Query<Filter>, shop: State<Shop>) -> String {
    format!("{filter:?}{}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn texts(Path(text): Path<String>, shop: State<Shop>) -> String {
    format!("{text}{}", shop.calls.add())
}

#[cache(response, expire = "1h", key = "one", cache = shop.cache)]
async fn keyed(shop: State<Shop>) -> String {
    shop.calls.add().to_string()
}

#[tokio::test]
async fn seed_k13_k14_k15_k16_k17_requests_that_differ_have_entries_of_their_own() {
    let long = format!("/i/{}", "x".repeat(2000));
    let apart = [
        "/list?a=1&a=2",
        "/list?a=2&a=1",
        "/list?z=2&a=1",
        "/list?a=",
        "/list?a",
        "/list",
        "/filter?z=2&a=1",
        "/filter?a=",
        "/filter",
        "/i/a:b",
        "/i/a/b",
        "/i/a%3Ab%3A",
        "/i/*",
        "/i/[a]",
        "/i/?",
        "/i/%3F",
        "/i/%C3%BC",
        "/i/a%00b",
        long.as_str(),
        "/other/a:b",
        "/texts",
        "/texts/",
    ];
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = Router::new()
            .route("/list", get(listed))
            .route("/filter", get(filtered))
            .route("/i/{*text}", get(texts))
            .route("/other/{*text}", get(texts))
            .route("/texts", get(listed))
            .route("/texts/", get(listed))
            .with_state(shop.clone());
        let server = Server::start(router).await;
        let mut bodies = Vec::new();
        for path in apart {
            let answer = server.get(path).await;
            if answer.status == 404 {
                // A wildcard takes no empty rest.
                assert_eq!(path, "/i/?");
                continue;
            }
            assert_eq!(
                (answer.status, answer.from()),
                (200, if path == "/list?a" { "HIT" } else { "MISS" }),
                "{cache:?} {path}"
            );
            assert_eq!(server.get(path).await.told(), ("HIT", answer.text()), "{cache:?} {path}");
            bodies.push(answer.body);
        }
        let mut unique = bodies.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), bodies.len() - 1, "{cache:?}");
        for same in ["/filter?a=1&z=2", "/filter?a=1&z=2&unknown=3", "/i/a%3Ab"] {
            assert_eq!(server.get(same).await.from(), "HIT", "{cache:?} {same}");
        }
    }
}

#[tokio::test]
async fn seed_k16_an_escaped_slash_is_part_of_a_segment() {
    async fn two() -> &'static str {
        "two"
    }
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router =
            Router::new().route("/i/{text}", get(texts)).route("/i/a/b", get(two)).with_state(shop.clone());
        let server = Server::start(router).await;
        for (path, text) in [("/i/a:b", "a:b0"), ("/i/a/b", "two"), ("/i/a%2Fb", "a/b1"), ("/i/a", "a2")] {
            for _ in 0..2 {
                assert_eq!(server.get(path).await.text(), text, "{cache:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_handler_that_is_mounted_twice_has_two_entries_unless_it_has_a_key() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let nested = Router::new().route("/x/{id}", get(item));
        let router = Router::new()
            .route("/a/{id}", get(item))
            .route("/b/{id}", get(item))
            .nest("/nested", nested)
            .route("/k1", get(keyed))
            .route("/k2", get(keyed))
            .with_state(shop.clone());
        let server = Server::start(router).await;
        // The entry function names one for all routes: `item` has one, and so the route counts for nothing there.
        assert_eq!(server.get("/a/1").await.from(), "MISS", "{cache:?}");
        for path in ["/b/1", "/nested/x/1"] {
            assert_eq!(server.get(path).await.from(), "HIT", "{cache:?} {path}");
        }
        assert_eq!(server.get("/k1").await.told(), ("MISS", "1"), "{cache:?}");
        assert_eq!(server.get("/k2").await.told(), ("HIT", "1"), "{cache:?}");
    }
}

async fn url_of(uri: &Uri, shop: &Shop) -> String {
    format!("{uri} {}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_request(State(shop): State<Shop>, request: Request) -> String {
    url_of(request.uri(), &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_uri(State(shop): State<Shop>, uri: Uri) -> String {
    url_of(&uri, &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_original(State(shop): State<Shop>, uri: OriginalUri) -> String {
    url_of(&uri, &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_query(State(shop): State<Shop>, RawQuery(query): RawQuery) -> String {
    format!("{query:?} {}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn lost(State(shop): State<Shop>) -> String {
    format!("lost {}", shop.calls.add())
}

/// A handler that sees the URL answers by it, and one for all that has no route is not one page.
#[tokio::test]
async fn who_sees_the_url_has_an_entry_for_each() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let nested =
            Router::new().route("/{b}/request", get(of_request)).route("/{b}/original", get(of_original));
        let router = Router::new()
            .route("/request/{*rest}", get(of_request))
            .route("/uri/{*rest}", get(of_uri))
            .route("/original/{*rest}", get(of_original))
            .route("/query", get(of_query))
            .nest("/nested/{a}", nested)
            .fallback(lost)
            .with_state(shop.clone());
        let server = Server::start(router).await;
        let paths = [
            "/request/a",
            "/request/b",
            "/request/b?x=1",
            "/uri/a",
            "/uri/b",
            "/uri/b?x=1",
            "/original/a",
            "/original/b",
            "/query?a",
            "/query?b",
            "/query",
            "/nested/1/2/request",
            "/nested/3/2/request",
            "/nested/1/3/request",
            "/nested/1/2/original",
            "/nested/3/2/original",
            "/lost/a",
            "/lost/b",
        ];
        for path in paths {
            let miss = server.get(path).await;
            assert_eq!((miss.status, miss.from()), (200, "MISS"), "{cache:?} {path}");
            assert_eq!(server.get(path).await.told(), ("HIT", miss.text()), "{cache:?} {path}");
        }
        assert_eq!(shop.calls.count(), paths.len(), "{cache:?}");
    }
}
