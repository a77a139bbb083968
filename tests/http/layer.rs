//! The layer: what it is in front of, what it counts as one URL, and each of its settings.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;

use futures_util::future::{BoxFuture, join_all};
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full};
use larder::Cache;
use larder::http::NoCache::{Bypass, Ignore, Refresh};
use larder::http::ResponseCacheLayer;
use support::redis::shared;
use support::tiers::{Calls, Gate, LONG, caches, caches_with, in_time, on, unique};
use support::wait::eventually_async;
use support::wire::{Origin, Unreachable, Wire, ask, declared, proxies, request, response, serve, sites};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

fn minute() -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m")
}

/// Names of everything a cache on the shared server has, without its prefix.
fn keys(prefix: &str) -> Vec<String> {
    let found = shared().command(&["KEYS", &format!("{prefix}*")]);
    let mut keys: Vec<_> = found.lines().map(|key| key[prefix.len()..].to_owned()).collect();
    keys.sort();
    keys
}

// Middleware: M1-M5.

#[tokio::test]
async fn m1_m2_x_cache_says_miss_and_hit_and_the_order_of_a_query_does_not_count() {
    for site in declared(|| Origin::says(200, &[])).await {
        assert_eq!(site.get("/x?z=2&a=1").await.brief(), ("MISS".to_owned(), "0".to_owned()));
        assert_eq!(site.get("/x?a=1&z=2").await.brief(), ("HIT".to_owned(), "0".to_owned()));
        let [told, hit] = [site.get("/y").await, site.get("/y").await];
        for name in ["etag", "cache-control", "expires"] {
            assert!(told.field(name).is_some() && told.field(name) == hit.field(name), "{name}");
        }
    }
}

#[tokio::test]
async fn m3_m4_no_store_is_honoured_and_set_cookie_is_never_shared() {
    for headers in [&[("cache-control", "no-store")], &[("set-cookie", "a=b")]] {
        for site in declared(|| Origin::says(200, headers)).await {
            assert!(!site.keeps("/").await, "{headers:?}");
            assert_eq!(site.origin.calls(), 2);
        }
    }
}

#[tokio::test]
async fn m5_bytes_come_back_as_they_were_up_to_the_limit() {
    let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let body = bytes.clone();
    let origin = move || {
        let body = body.clone();
        Origin::new(move |_, _| {
            Ok(response(200, &[("content-type", "application/octet-stream")], body.clone()))
        })
    };
    for site in sites(minute().max_body(4096), &origin).await {
        assert!(site.keeps("/").await);
        let got = site.get("/").await;
        assert_eq!(
            (&got.body, got.field("content-type").as_deref()),
            (&bytes, Some("application/octet-stream"))
        );
    }
    for site in sites(minute().max_body(4095), &origin).await {
        assert!(!site.keeps("/").await);
        assert_eq!(site.get("/").await.body, bytes);
    }
}

// Keys: K13-K18.

#[tokio::test]
async fn k13_keys_can_be_read_and_a_group_is_a_part_of_them() {
    let prefix = unique("k13");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let origin = Origin::says(200, &[]);
    for (layer, uri) in [(minute(), "/api/v1/items?q=x"), (minute().group("ns"), "/items")] {
        let service = origin.behind(&layer.cache(&cache));
        ask(&service, request("GET", uri, &[])).await.expect("a response");
    }
    let keys = keys(&prefix);
    assert!(keys.iter().any(|key| key.ends_with("GET:/api/v1/items?q=x")), "{keys:?}");
    assert!(keys.iter().any(|key| key.contains("{ns}") && key.ends_with("GET:/items")), "{keys:?}");
}

#[tokio::test]
async fn k14_k15_queries_are_sorted_by_name_and_the_values_of_a_name_keep_their_order() {
    for site in declared(|| Origin::says(200, &[])).await {
        for (uri, n) in [
            ("/?z=2&a=1", "0"),
            ("/?a=1&z=2", "0"),
            ("/?a=1&a=2", "1"),
            ("/?a=2&a=1", "2"),
            ("/", "3"),
            ("/?", "3"),
            ("/?a=", "4"),
            ("/?a", "5"),
            ("/?&&a=&", "4"),
        ] {
            assert_eq!(site.get(uri).await.text(), n, "{uri}");
        }
    }
}

#[tokio::test]
async fn k16_k17_k18_paths_are_told_apart_however_they_look_and_however_long_they_are() {
    let long = |end: &str| format!("/{}{end}", "x".repeat(2000));
    let paths = [
        "/i/a:b",
        "/i/a/b",
        "/i/a%2Fb",
        "/i/a%2fb",
        "/items",
        "/items/",
        "/a:b:c",
        "/*",
        "/[a-z]",
        "/a*",
        "/?q=*",
        "/?q=%F0%9F%A6%80",
        "/{a}",
        "/GET:/",
        "/~",
        "/%",
        "/%%",
        &long("1"),
        &long("2"),
    ];
    for site in declared(|| Origin::says(200, &[])).await {
        for _ in 0..2 {
            for (n, path) in paths.iter().enumerate() {
                assert_eq!(site.get(path).await.text(), n.to_string(), "{path}");
            }
        }
    }
    let prefix = unique("k18");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let service = Origin::says(200, &[]).behind(&minute().cache(&cache));
    ask(&service, request("GET", &long("1"), &[])).await.expect("a response");
    let keys = keys(&prefix);
    // Its head can still be read.
    assert!(
        keys.iter().all(|key| key.len() < 250) && keys.iter().any(|key| key.contains("GET:/xxxx")),
        "{keys:?}"
    );
}

// Settings.

#[tokio::test]
async fn query_allow_leaves_out_what_it_does_not_name() {
    for site in sites(minute().query_allow(["page", "q"]), || Origin::says(200, &[])).await {
        for (uri, n) in [
            ("/?page=1", "0"),
            ("/?page=1&utm_source=x", "0"),
            ("/?fbclid=1&page=1", "0"),
            ("/?q=1", "1"),
            ("/?%71=1", "2"),
            ("/", "3"),
            ("/?utm_source=y", "3"),
        ] {
            assert_eq!(site.get(uri).await.text(), n, "{uri}");
        }
        site.get("/?page=9&made=up").await;
        assert_eq!(site.origin.last().uri.query(), Some("page=9&made=up"));
    }
}

#[tokio::test]
async fn vary_tells_requests_apart_and_says_so() {
    let origin = || Origin::says(200, &[("vary", "Accept, X-Tenant")]);
    for site in sites(minute().vary(["x-tenant", "x-theme"]), origin).await {
        for (headers, n) in [
            (&[("x-tenant", "a")][..], "0"),
            (&[("x-tenant", "b")], "1"),
            (&[("x-tenant", "a"), ("x-theme", "dark")], "2"),
            (&[("x-tenant", "a"), ("accept", "text/html")], "3"),
            (&[("x-tenant", "a")], "0"),
        ] {
            let got = site.get_with("/", headers).await;
            assert_eq!(
                (got.text().as_str(), got.field("vary").as_deref()),
                (n, Some("Accept, X-Tenant, x-theme"))
            );
        }
    }
}

#[tokio::test]
async fn authority_tells_hosts_apart() {
    for (counts, n) in [(false, "0"), (true, "1")] {
        for site in sites(minute().authority(counts), || Origin::says(200, &[])).await {
            site.get_with("/", &[("host", "a.example")]).await;
            assert_eq!(site.get_with("/", &[("host", "b.example")]).await.text(), n);
            assert_eq!(site.get_with("/", &[("host", "A.Example")]).await.text(), "0");
        }
    }
}

#[tokio::test]
async fn a_key_of_ones_own_takes_the_place_of_the_url() {
    let layer = minute().key(|parts| {
        let tenant = parts.headers.get("x-tenant").map_or("none", |tenant| tenant.to_str().unwrap_or("none"));
        format!("{tenant}:{}", parts.uri.path())
    });
    for site in sites(layer, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/?a=1").await.text(), "0");
        assert_eq!(site.get("/?a=2").await.text(), "0");
        assert_eq!(site.get_with("/", &[("x-tenant", "t")]).await.text(), "1");
        // A change removes what has its key, and nothing else.
        site.send("DELETE", "/?a=3", &[]).await;
        assert_eq!(site.get("/").await.x_cache(), "MISS");
        assert_eq!(site.get_with("/", &[("x-tenant", "t")]).await.x_cache(), "HIT");
    }
    let odd = minute().key(|parts| format!("{}\0\r\n{}", parts.uri.path(), "k".repeat(1 << 20)));
    for site in sites(odd, || Origin::says(200, &[])).await {
        assert!(site.keeps("/a").await);
        assert_eq!(site.get("/b").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn a_group_is_dropped_in_one_step_and_tags_too() {
    for site in sites(minute().group("pages").tag("all").tag("site"), || Origin::says(200, &[])).await {
        for drop in ["group", "all", "site"] {
            assert!(site.keeps("/a").await && site.keeps("/b").await);
            match drop {
                "group" => drop_of(site.cache.delete_group("pages")).await,
                tag => drop_of(site.cache.invalidate_tag(tag)).await,
            }
            assert_eq!(site.get("/a").await.x_cache(), "MISS", "{drop}");
            assert_eq!(site.get("/b").await.x_cache(), "MISS", "{drop}");
        }
        assert!(site.cache.delete_group("page").await.is_ok());
        assert_eq!(site.get("/a").await.x_cache(), "HIT");
        // A change removes what is in the group as well.
        site.send("POST", "/a", &[]).await;
        assert_eq!(site.get("/a").await.x_cache(), "MISS");
        assert!(site.cache.group("pages").invalidate_url("/b").await.expect("the store is there"));
        assert_eq!(site.get("/b").await.x_cache(), "MISS");
    }
}

async fn drop_of<T>(dropped: impl Future<Output = Result<T, larder::Error>>) {
    dropped.await.map(drop).expect("the store is there");
}

#[tokio::test]
async fn invalidate_url_removes_every_variant_of_a_url() {
    for site in sites(minute().vary(["x-a"]), || Origin::says(200, &[])).await {
        for variant in ["1", "2"] {
            site.get_with("/i?b=2&a=1", &[("x-a", variant)]).await;
        }
        assert!(site.cache.invalidate_url("/i?a=1&b=2").await.expect("the store is there"));
        assert!(!site.cache.invalidate_url("/other").await.expect("the store is there"));
        for variant in ["1", "2"] {
            assert_eq!(site.get_with("/i?b=2&a=1", &[("x-a", variant)]).await.x_cache(), "MISS");
        }
        assert!(site.cache.invalidate_url("no url at all").await.is_err());
    }
    for site in proxies(|| Origin::says(200, &[("cache-control", "max-age=60")])).await {
        site.get_with("/i?b=2&a=1", &[("host", "h")]).await;
        assert!(site.cache.invalidate_url("http://h/i?b=2&a=1").await.expect("the store is there"));
        assert_eq!(site.get_with("/i?b=2&a=1", &[("host", "h")]).await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn a_status_has_a_life_of_its_own() {
    let layer =
        minute().expire_status(StatusCode::NOT_FOUND, 5).expire_status(StatusCode::MOVED_PERMANENTLY, "1d");
    let origin = || {
        Origin::new(|n, parts| {
            let status: u16 = parts.uri.path()[1..].parse().expect("a status");
            Ok(response(status, &[("location", "/")], n.to_string()))
        })
    };
    for site in sites(layer, origin).await {
        for (uri, life) in [("/404", 5), ("/200", 60), ("/301", 86_400)] {
            let got = site.get(uri).await;
            assert_eq!(got.field("cache-control"), Some(format!("max-age={life}")), "{uri}");
            site.later(life - 1);
            assert_eq!(site.get(uri).await.x_cache(), "HIT", "{uri}");
            site.later(1);
            assert_eq!(site.get(uri).await.x_cache(), "MISS", "{uri}");
        }
        for uri in ["/201", "/302", "/410", "/500"] {
            assert!(!site.keeps(uri).await, "{uri}");
        }
    }
}

#[tokio::test]
async fn each_credential_has_its_own_or_all_share_or_all_go_past() {
    let alice = [("authorization", "Bearer alice")];
    for (layer, first, second, control) in [
        (minute(), "BYPASS", "BYPASS", None),
        (minute().private(), "MISS", "HIT", Some("private, max-age=60")),
        (minute().shared(), "MISS", "HIT", Some("max-age=60")),
    ] {
        for site in sites(layer.clone(), || Origin::says(200, &[])).await {
            for x_cache in [first, second] {
                let got = site.get_with("/", &alice).await;
                assert_eq!(
                    (got.x_cache().as_str(), got.field("cache-control").as_deref()),
                    (x_cache, control)
                );
            }
        }
    }
}

#[tokio::test]
async fn no_cache_renews_or_goes_past_or_is_ignored() {
    for (choice, x_cache, next) in [(Refresh, "MISS", "1"), (Bypass, "BYPASS", "0"), (Ignore, "HIT", "0")] {
        for site in sites(minute().no_cache(choice), || Origin::says(200, &[])).await {
            for control in ["no-cache", "max-age=0", "NO-CACHE, max-age=0"] {
                let uri = format!("/{}", control.len());
                let calls = site.origin.calls();
                site.get(&uri).await;
                assert_eq!(site.get_with(&uri, &[("cache-control", control)]).await.x_cache(), x_cache);
                let kept: usize = next.parse().expect("a number");
                assert_eq!(site.get(&uri).await.text(), (calls + kept).to_string(), "{choice:?} {control}");
            }
            // What only looks like it does not count.
            assert_eq!(site.get_with("/8", &[("cache-control", "x-no-cache-y")]).await.x_cache(), "HIT");
        }
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_not_kept() {
    let origin =
        || Origin::new(|_, parts| Ok(response(200, &[("x-long", &"h".repeat(parts.uri.path().len()))], "")));
    for site in sites(minute().max_headers(100), origin).await {
        assert!(site.keeps("/short").await);
        let long = format!("/{}", "l".repeat(100));
        assert!(!site.keeps(&long).await);
        assert_eq!(site.get(&long).await.field("x-long").map(|value| value.len()), Some(101));
    }
}

#[tokio::test]
async fn copies_in_this_process_answer_without_the_store() {
    let prefix = unique("local");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    let service = Origin::says(200, &[]).behind(&minute().local("1m").cache(&cache));
    let get = async || ask(&service, request("GET", "/", &[])).await.expect("a response");
    get().await;
    eventually_async(LONG, async || {
        let was = cache.stats().total.local_hits;
        get().await.x_cache() == "HIT" && cache.stats().total.local_hits > was
    })
    .await;
    cache.invalidate_url("/").await.expect("the store is there");
    assert_eq!(get().await.x_cache(), "MISS");
}

#[tokio::test]
async fn a_version_that_is_raised_makes_all_anew() {
    for cache in caches().await {
        let origin = Origin::says(200, &[]);
        for (version, text) in [(0, "0"), (1, "1"), (1, "1"), (0, "0")] {
            let service = origin.behind(&minute().version(version).cache(&cache));
            assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), text);
            assert!(version != 1 || ask(&service, request("PUT", "/none", &[])).await.is_ok());
        }
    }
}

// Methods.

#[tokio::test]
async fn a_change_that_succeeds_removes_its_url_and_no_other() {
    let origin = || {
        Origin::new(|n, parts| {
            let status = if parts.method == "GET" {
                200
            } else {
                parts.headers["x-status"].to_str().expect("text").parse().expect("a status")
            };
            Ok(response(status, &[], n.to_string()))
        })
    };
    for site in declared(origin).await {
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
            for (status, x_cache) in [("204", "MISS"), ("303", "MISS"), ("400", "HIT"), ("500", "HIT")] {
                site.get("/a?x=1").await;
                site.get("/b").await;
                assert_eq!(site.send(method, "/a?x=1", &[("x-status", status)]).await.x_cache(), "BYPASS");
                assert_eq!(site.get("/a?x=1").await.x_cache(), x_cache, "{method} {status}");
                assert_eq!(site.get("/b").await.x_cache(), "HIT", "{method} {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_by_a_client_with_credentials_removes_what_others_are_given() {
    for layer in [minute(), minute().private(), minute().shared(), minute().group("g")] {
        for site in sites(layer, || Origin::says(200, &[])).await {
            site.get("/").await;
            site.send("POST", "/", &[("authorization", "Bearer admin"), ("cookie", "a=b")]).await;
            assert_eq!(site.get("/").await.x_cache(), "MISS");
        }
    }
}

#[tokio::test]
async fn what_was_asked_before_a_change_is_not_kept_after_it() {
    for site in declared(|| Origin::says(200, &[])).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let (old, ()) = in_time(async {
            tokio::join!(site.get("/"), async {
                gate.arrived(1).await;
                let change = site.send("PUT", "/", &[]);
                let opened = async {
                    gate.arrived(2).await;
                    gate.open();
                };
                tokio::join!(change, opened);
            })
        })
        .await;
        // Both went on at once; whichever was first, the next reader sees what is there after the change.
        let next = site.get("/").await;
        assert!(next.text() != old.text() || next.x_cache() == "HIT" && site.origin.calls() == 2, "{next:?}");
    }
}

#[tokio::test]
async fn options_and_trace_and_upgrades_pass_and_change_nothing() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.get("/").await;
        for method in ["OPTIONS", "TRACE"] {
            assert_eq!(site.send(method, "/", &[]).await.x_cache(), "BYPASS");
        }
        let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
        assert_eq!(site.get_with("/", &upgrade).await.x_cache(), "BYPASS");
        assert_eq!(site.get("/").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn a_head_or_a_part_in_front_holds_nobody_up_and_makes_nobody_ask_twice() {
    for (method, headers) in [("HEAD", &[][..]), ("GET", &[("range", "bytes=0-0")])] {
        for site in declared(|| Origin::says(200, &[])).await {
            let gate = Arc::new(Gate::default());
            site.origin.stops_at(&gate);
            let crowd = async {
                gate.arrived(1).await;
                join_all((0..50).map(|_| site.get("/"))).await
            };
            let opened = async {
                gate.arrived(2).await;
                gate.open();
            };
            let (first, crowd, ()) =
                in_time(async { tokio::join!(site.send(method, "/", headers), crowd, opened) }).await;
            assert_eq!(first.status, 200);
            assert!(crowd.iter().all(|got| got.text() == "1"), "{crowd:?}");
            assert_eq!(site.origin.calls(), 2);
        }
    }
}

#[tokio::test]
async fn a_head_or_a_part_gets_the_old_response_while_that_is_served() {
    let layer = minute().stale_while_revalidate("1m").stale_if_error("1h");
    let origin = || Origin::new(|n, _| Ok(response(if n == 0 { 200 } else { 503 }, &[], "0123")));
    for site in sites(layer, origin).await {
        site.get("/").await;
        for (later, calls) in [(61, 1), (60, 2)] {
            site.later(later);
            let head = site.send("HEAD", "/", &[]).await;
            assert_eq!(
                (head.x_cache().as_str(), head.field("content-length").as_deref()),
                ("STALE", Some("4"))
            );
            assert_eq!(site.origin.calls(), calls);
        }
        let part = site.get_with("/", &[("range", "bytes=1-2")]).await;
        assert_eq!((part.status, part.brief()), (206, ("STALE".to_owned(), "12".to_owned())));
    }
}

#[tokio::test]
async fn only_if_cached_is_504_and_asks_nobody() {
    for site in declared(|| Origin::says(200, &[])).await {
        let only = [("cache-control", "only-if-cached")];
        assert_eq!(site.get_with("/", &only).await.status, 504);
        assert_eq!(site.origin.calls(), 0);
        site.get("/").await;
        assert_eq!(site.get_with("/", &only).await.brief(), ("HIT".to_owned(), "0".to_owned()));
    }
    let varied = minute().vary(["x-a"]);
    for site in sites(varied, || Origin::says(200, &[])).await {
        site.get_with("/", &[("x-a", "1")]).await;
        let other = [("cache-control", "only-if-cached"), ("x-a", "2")];
        assert_eq!(site.get_with("/", &other).await.status, 504);
        assert_eq!(site.origin.calls(), 1);
    }
}

// What it is in front of.

/// A service that is nothing but tower: bodies that are not axum's, errors of its own, and one call for each time that it
/// was found ready.
struct Plain {
    calls: Arc<Calls>,
    is_ready: bool,
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        Self { calls: Arc::clone(&self.calls), is_ready: false }
    }
}

impl Service<Request<Empty<Bytes>>> for Plain {
    type Response = Response<Full<Bytes>>;
    type Error = String;
    type Future = BoxFuture<'static, Result<Response<Full<Bytes>>, String>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        let n = self.calls.add();
        let is_trouble = request.uri().path() == "/trouble";
        Box::pin(async move {
            if is_trouble {
                Err(format!("trouble {n}"))
            } else {
                Ok(Response::new(Full::from(n.to_string())))
            }
        })
    }
}

#[tokio::test]
async fn any_tower_service_will_do_and_is_called_only_when_it_is_ready() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let plain = Plain { calls: Arc::clone(&calls), is_ready: false };
        let mut service = minute().cache(&cache).layer(plain);
        let mut get = async |uri: &str| {
            let request = Request::get(uri).body(Empty::new()).expect("a request");
            let response = service.ready().await?.call(request).await?;
            let x_cache = response.headers()["x-cache"].to_str().expect("text").to_owned();
            let bytes = response.into_body().collect().await.expect("a body").to_bytes();
            Ok::<_, String>(format!("{x_cache} {}", String::from_utf8_lossy(&bytes)))
        };
        assert_eq!(get("/").await.as_deref(), Ok("MISS 0"));
        assert_eq!(get("/").await.as_deref(), Ok("HIT 0"));
        // An error of the service is the service's, and is not kept.
        assert_eq!(get("/trouble").await, Err("trouble 1".to_owned()));
        assert_eq!(get("/trouble").await, Err("trouble 2".to_owned()));
    }
}

#[tokio::test]
async fn an_error_of_the_service_passes_unless_there_is_an_old_response() {
    let origin = || Origin::new(|n, _| if n == 0 { Ok(response(200, &[], "old")) } else { Err(Unreachable) });
    for (layer, is_served) in [(minute(), false), (minute().stale_if_error("1h"), true)] {
        for site in sites(layer.clone(), origin).await {
            site.get("/").await;
            site.later(61);
            let got = ask(&site.service, request("GET", "/", &[])).await;
            match is_served {
                true => assert_eq!(got.expect("a response").brief(), ("STALE".to_owned(), "old".to_owned())),
                false => assert_eq!(got, Err(Unreachable)),
            }
            assert_eq!(ask(&site.service, request("POST", "/", &[])).await, Err(Unreachable));
        }
    }
}

#[tokio::test]
async fn those_who_wait_when_the_service_fails_get_its_error_or_ask_themselves() {
    for site in declared(|| Origin::new(|_, _| Err(Unreachable))).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let crowd = join_all((0..20).map(|_| ask(&site.service, request("GET", "/", &[]))));
        let opened = async {
            gate.arrived(1).await;
            gate.open();
        };
        let (crowd, ()) = in_time(async { tokio::join!(crowd, opened) }).await;
        assert!(crowd.iter().all(|got| *got == Err(Unreachable)));
    }
}

#[tokio::test]
async fn a_service_that_takes_one_request_at_a_time_is_asked_one_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    for cache in caches().await {
        let counted = Arc::clone(&running);
        let inner = tower::service_fn(move |request: Request<Body>| {
            let running = Arc::clone(&counted);
            async move {
                assert_eq!(running.fetch_add(1, SeqCst), 0, "two at once");
                tokio::task::yield_now().await;
                running.fetch_sub(1, SeqCst);
                Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
            }
        });
        let service = ServiceBuilder::new().layer(minute().cache(&cache)).concurrency_limit(1).service(inner);
        let crowd = (0..40).map(|n| ask(&service, request("GET", if n % 2 == 0 { "/a" } else { "/b" }, &[])));
        let crowd = in_time(join_all(crowd)).await;
        assert!(crowd.iter().all(|got| got.as_ref().is_ok_and(|got| got.status == 200)));
        // A hit gives back the place that it had found.
        let body = ask(&service, request("GET", "/a", &[])).await.expect("a response");
        assert_eq!(body.brief(), ("HIT".to_owned(), "/a".to_owned()));
        assert_eq!(ask(&service, request("GET", "/c", &[])).await.expect("a response").x_cache(), "MISS");
    }
}

#[tokio::test]
async fn a_renewal_apart_gives_back_the_place_that_it_had() {
    let clock = larder::test_util::TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        let inner = tower::service_fn(move |_: Request<Body>| {
            let n = counted.add();
            async move { Ok::<_, Infallible>(Response::new(Body::from(n.to_string()))) }
        });
        let layer = minute().stale_while_revalidate("1h").cache(&cache);
        let service = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(inner);
        let get = async || in_time(ask(&service, request("GET", "/", &[]))).await.expect("a response");
        get().await;
        clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(get().await.brief(), ("STALE".to_owned(), "0".to_owned()));
        eventually_async(LONG, async || get().await.text() == "1").await;
    }
}

#[tokio::test]
async fn a_router_of_axum_keeps_its_extractors_and_its_404() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        let item = async move |Path(id): Path<u64>| format!("{id} {}", counted.add());
        let app = Router::new().route("/items/{id}", get(item)).layer(minute().cache(&cache));
        let address = serve(app).await;
        let mut wire = Wire::to(address).await;
        for (uri, status, text) in [
            ("/items/1", 200, "1 0"),
            ("/items/1", 200, "1 0"),
            ("/items/2", 200, "2 1"),
            ("/items/x", 400, ""),
            ("/none", 404, ""),
        ] {
            let got = wire.exchange("GET", uri, &[]).await;
            assert!(got.status == status && got.text().starts_with(text), "{uri}: {got:?}");
        }
        assert_eq!(
            wire.exchange("HEAD", "/items/1", &[]).await.field("content-length").as_deref(),
            Some("3")
        );
    }
}

#[tokio::test]
async fn without_a_cache_and_after_its_end_responses_pass() {
    let origin = Origin::says(200, &[]);
    let alone = origin.behind(&minute());
    assert_eq!(
        ask(&alone, request("GET", "/", &[])).await.expect("a response").brief(),
        (String::new(), "0".to_owned())
    );
    let cache = Cache::builder().url("memory://").build().await.expect("a cache");
    let service = origin.behind(&minute().cache(&cache));
    ask(&service, request("GET", "/", &[])).await.expect("a response");
    cache.close().await;
    assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), "2");
}

// Settings that make no sense.

#[test]
fn what_makes_no_sense_is_a_panic_that_names_the_setting() {
    let message = |build: fn() -> ResponseCacheLayer| {
        let panic = std::panic::catch_unwind(|| drop(build())).expect_err("a panic");
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a message")
    };
    type Case = (&'static str, fn() -> ResponseCacheLayer);
    let cases: [Case; 12] = [
        ("expire", || minute().expire(0)),
        ("expire", || minute().expire("soon")),
        ("expire", || minute().expire(-1)),
        ("expire_status", || minute().expire_status(StatusCode::NOT_FOUND, "0s")),
        ("expire_status", || minute().expire_status(StatusCode::INTERNAL_SERVER_ERROR, 5)),
        ("expire_status", || minute().expire_status(StatusCode::PARTIAL_CONTENT, 5)),
        ("stale_while_revalidate", || minute().stale_while_revalidate("x")),
        ("stale_if_error", || minute().stale_if_error(0)),
        ("local", || minute().local("")),
        ("jitter", || minute().jitter(1.0)),
        ("jitter", || minute().jitter(f64::NAN)),
        ("vary", || minute().vary(["not a name"])),
    ];
    for (setting, build) in cases {
        let message = message(build);
        assert!(message.contains(setting), "{setting}: {message}");
    }
}

#[test]
fn neither_keys_nor_headers_are_in_its_debug_output() {
    let layer = minute().tag("canary-tag").group("canary-group").key(|_| "canary-key".to_owned());
    let text = format!("{layer:?} {:?}", layer.layer(Origin::says(200, &[])));
    assert!(!text.contains("canary-key"), "{text}");
}

#[tokio::test]
async fn what_is_between_two_neighbours_does_not_go_through_a_proxy_whatever_becomes_of_the_response() {
    const HOPS: &[(&str, &str)] = &[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("x-end", "1"),
    ];
    // At once, and as it comes.
    for (control, waits) in [
        ("max-age=60", false),
        ("max-age=60", true),
        ("no-store", false),
        ("no-store", true),
        ("private", false),
        ("max-age=0", true),
    ] {
        let origin = move || {
            Origin::new(move |_, _| {
                let headers = [HOPS, &[("cache-control", control)]].concat();
                let late = stream::once(async move {
                    if waits {
                        tokio::task::yield_now().await;
                    }
                    Ok::<_, Infallible>("body")
                });
                Ok(response(200, &headers, Body::from_stream(late)))
            })
        };
        for site in proxies(origin).await {
            let passes = async |method, asks| {
                let got = site.send(method, "/", asks).await;
                for (name, _) in &HOPS[..5] {
                    assert_eq!(got.field(name), None, "{control} {method} {asks:?} {got:?}");
                }
                assert_eq!(got.field("x-end").as_deref(), Some("1"), "{control} {method} {asks:?}");
            };
            for (method, asks) in [
                ("GET", &[][..]),
                ("GET", &[("cache-control", "no-store")]),
                ("GET", &[("if-match", "\"a\"")]),
                ("GET", &[("range", "bytes=0-1")]),
                ("GET", &[("authorization", "Bearer alice")]),
                ("HEAD", &[]),
                ("POST", &[]),
                ("GET", &[]),
            ] {
                passes(method, asks).await;
            }
            site.cache.clone().close().await;
            passes("GET", &[]).await;
        }
    }
}
