//! Hosts: each has entries of its own, under one spelling, and removing a path reaches all of them.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache_evict};
use support::connection::{Http1, Http2};
use support::deployment::shared;
use support::stores::{caches, on, unique};
use support::wire::{Origin, Site, ask, request, response, serve, sites};

use super::minute::minute;

/// An origin whose responses depend on the host that it sees.
fn tenants() -> Origin {
    Origin::new(|_, parts| {
        let own = parts.uri.authority().map(|authority| authority.to_string());
        let field = parts.headers.get("host").map(|host| host.to_str().expect("text").to_owned());
        Ok(response(200, &[], own.or(field).unwrap_or_default()))
    })
}

async fn get_of(site: &Site, host: &str, uri: &str) -> (String, String) {
    site.get_with(uri, &[("host", host)]).await.brief()
}

#[tokio::test]
async fn two_tenants_of_one_layer_share_no_page() {
    for layer in [minute(), minute().shared(), minute().vary(["accept"]), minute().local("1m")] {
        for site in sites(layer.clone(), tenants).await {
            for x_cache in ["MISS", "HIT"] {
                for host in ["a.example", "b.example", "a.example:8080", "aa.example", "example", ""] {
                    let got = get_of(&site, host, "/").await;
                    assert_eq!(got, (x_cache.to_owned(), host.to_owned()), "{layer:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_invented_host_does_not_poison_a_redirect() {
    let to_host = async |headers: HeaderMap| {
        let host = headers.get("host").expect("a host").to_str().expect("text");
        Redirect::permanent(&format!("https://{host}/home"))
    };
    for cache in caches().await {
        let layer = minute().expire_status(StatusCode::PERMANENT_REDIRECT, "1h").cache(&cache);
        let app = Router::new().route("/{n}", get(to_host)).layer(layer);
        let address = serve(app).await;
        // Spellings of the same host are cached together, and none of them is what others are sent to.
        for (n, host) in
            ["evil.example", "shop.example:80", "shop.example.", "SHOP.example:443", "shop.example:8080"]
                .into_iter()
                .enumerate()
        {
            let (mut wire, uri) = (Http1::to(address).await, format!("/{n}"));
            wire.exchange("GET", &uri, &[("host", host)]).await;
            let got = wire.exchange("GET", &uri, &[("host", "shop.example")]).await;
            assert_eq!(got.field("location").as_deref(), Some("https://shop.example/home"), "{host}");
        }
    }
}

#[tokio::test]
async fn one_host_has_one_spelling() {
    for site in sites(minute(), tenants).await {
        assert_eq!(get_of(&site, "a.example", "/").await.0, "MISS");
        for host in ["A.EXAMPLE", "a.example.", "a.example:80", "a.example:443", "A.Example.:80"] {
            assert_eq!(get_of(&site, host, "/").await, ("HIT".to_owned(), "a.example".to_owned()), "{host}");
        }
        for uri in ["http://a.example/", "http://A.example:80/", "https://a.example:443/"] {
            assert_eq!(site.get(uri).await.brief(), ("HIT".to_owned(), "a.example".to_owned()), "{uri}");
        }
        // The service sees the spelling of the key, so that what it writes is the same for all.
        for (n, host) in ["B.example", "b.example.:80"].into_iter().enumerate() {
            let uri = format!("/{n}");
            assert_eq!(get_of(&site, host, &uri).await.1, "b.example", "{host}");
            assert_eq!(site.get(&format!("https://B.EXAMPLE:443/x{n}")).await.text(), "b.example");
            // A request that bypasses the cache is left as it is.
            let fields = [("host", host), ("authorization", "a")];
            assert_eq!(site.get_with(&uri, &fields).await.text(), host);
        }
    }
}

#[tokio::test]
async fn http2_and_http1_have_one_key() {
    for cache in caches().await {
        let app = Router::new().route("/", get(async || "a page")).layer(minute().cache(&cache));
        let address = serve(app).await;
        let host = [("host", "A.example")];
        assert_eq!(Http2::to(address).await.exchange("GET", "/", &host).await.x_cache(), "MISS");
        assert_eq!(Http1::to(address).await.exchange("GET", "/", &host).await.x_cache(), "HIT");
        assert_eq!(
            Http1::to(address).await.exchange("GET", "/", &[("host", "b.example")]).await.x_cache(),
            "MISS"
        );
        assert_eq!(
            Http2::to(address).await.exchange("GET", "/", &[("host", "b.example:80")]).await.x_cache(),
            "HIT"
        );
    }
}

#[tokio::test]
async fn a_request_whose_host_is_not_clear_bypasses() {
    for site in sites(minute(), tenants).await {
        for (uri, hosts) in [
            ("http://good/p", &[("host", "evil")][..]),
            ("/p", &[("host", "good"), ("host", "evil")]),
            ("/p", &[("host", "good/evil")]),
            ("/p", &[("host", "user@good")]),
            ("/p", &[("host", "good:evil")]),
        ] {
            for _ in 0..2 {
                assert_eq!(site.get_with(uri, hosts).await.x_cache(), "BYPASS", "{uri} {hosts:?}");
            }
        }
        assert_eq!(get_of(&site, "good", "/p").await, ("MISS".to_owned(), "good".to_owned()));
    }
    // Where the host does not count, it does not matter.
    for site in sites(minute().authority(false), tenants).await {
        assert_eq!(site.get_with("/p", &[("host", "good"), ("host", "evil")]).await.x_cache(), "MISS");
        assert_eq!(get_of(&site, "other", "/p").await.0, "HIT");
    }
}

#[tokio::test]
async fn only_listed_hosts_are_cached() {
    for layer in [minute(), minute().authority(false)] {
        let layer = layer.hosts(["A.example", "b.example:8080"]);
        for site in sites(layer.clone(), tenants).await {
            for host in ["a.example", "A.EXAMPLE:80", "b.example:8080"] {
                assert!(["MISS", "HIT"].contains(&get_of(&site, host, "/").await.0.as_str()), "{host}");
                assert_eq!(get_of(&site, host, "/").await.0, "HIT", "{host}");
            }
            for host in ["b.example", "evil.example", "a.example.evil", "a.example:81", ""] {
                for _ in 0..2 {
                    assert_eq!(
                        get_of(&site, host, "/").await,
                        ("BYPASS".to_owned(), host.to_owned()),
                        "{layer:?}"
                    );
                }
            }
            assert_eq!(site.get("/").await.x_cache(), "BYPASS");
        }
    }
    for (hosts, value) in [
        (&["https://a.example"][..], "hosts = \"https://a.example\""),
        (&["a.example", "a.example/path"], "hosts = \"a.example/path\""),
        (&["*.example"], "hosts = \"*.example\""),
        (&[""], "hosts = \"\""),
        (&[], "hosts = \"[]\""),
    ] {
        let error = minute().hosts(hosts.iter().copied()).check().expect_err(value).to_string();
        assert!(error.contains(value), "{value}: {error}");
    }
}

#[tokio::test]
async fn a_change_removes_the_page_of_its_own_host_or_of_all_listed_ones() {
    for (layer, other) in [(minute(), "HIT"), (minute().hosts(["a.example", "b.example"]), "MISS")] {
        for site in sites(layer, tenants).await {
            for method in ["POST", "PUT", "DELETE"] {
                for host in ["a.example", "b.example"] {
                    get_of(&site, host, "/p").await;
                    get_of(&site, host, "/q").await;
                }
                site.send(method, "/p", &[("host", "A.example:80")]).await;
                assert_eq!(get_of(&site, "a.example", "/p").await.0, "MISS", "{method}");
                assert_eq!(get_of(&site, "b.example", "/p").await.0, other, "{method}");
                assert_eq!(get_of(&site, "a.example", "/q").await.0, "HIT", "{method}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_alone_is_about_all_hosts_and_a_whole_url_about_one() {
    let hosts = ["a.example", "b.example", ""];
    for site in sites(minute(), tenants).await {
        let layer = minute().cache(&site.cache);
        for (path, whole) in [("/p", "http://A.example/p"), ("/p?x=1&y=2", "https://a.example/p?y=2&x=1")] {
            for by_layer in [true, false] {
                let fill = async || {
                    for host in hosts {
                        get_of(&site, host, path).await;
                        assert_eq!(get_of(&site, host, path).await.0, "HIT", "{host}");
                    }
                };
                let remove = async |url: &str| match by_layer {
                    true => layer.invalidate(url).await.expect("carried out"),
                    false => site.cache.invalidate_url(url).await.expect("carried out"),
                };
                fill().await;
                assert!(remove(whole).await && !remove(whole).await, "{whole}");
                let left = [get_of(&site, hosts[0], path).await.0, get_of(&site, hosts[1], path).await.0];
                assert_eq!(left, ["MISS", "HIT"], "{whole} {by_layer}");
                fill().await;
                assert!(remove(path).await && !remove(path).await, "{path}");
                for host in hosts {
                    assert_eq!(get_of(&site, host, path).await.0, "MISS", "{host} {path} {by_layer}");
                }
            }
        }
    }
}

/// A process knows the hosts that it has served, whoever stored the responses, and those of `.hosts`.
#[tokio::test]
async fn a_process_knows_the_hosts_that_it_has_served() {
    let prefix = unique("hosts");
    let cache = async || on(shared()).prefix(&prefix).build().await.expect("a cache");
    let (old, new) = (cache().await, cache().await);
    let origin = tenants();
    let get = async |cache: &Cache, host: &str| {
        let service = origin.behind(&minute().cache(cache));
        ask(&service, request("GET", "/p", &[("host", host)])).await.expect("a response").x_cache()
    };
    for host in ["a.example", "b.example"] {
        assert_eq!(get(&old, host).await, "MISS");
    }
    // The page says so: this process has seen neither.
    assert!(!new.invalidate_url("/p").await.expect("carried out"));
    assert_eq!(get(&new, "a.example").await, "HIT");
    assert!(new.invalidate_url("/p").await.expect("carried out"));
    assert_eq!([get(&old, "a.example").await, get(&old, "b.example").await], ["MISS", "HIT"]);
    let listed = minute().hosts(["a.example", "b.example"]).cache(&cache().await);
    assert!(listed.invalidate("/p").await.expect("carried out"));
    assert_eq!([get(&old, "a.example").await, get(&old, "b.example").await], ["MISS", "MISS"]);
}

#[tokio::test]
async fn after_many_invented_hosts_a_path_alone_is_an_error_that_says_what_to_write() {
    for site in sites(minute(), tenants).await {
        get_of(&site, "a.example", "/p").await;
        for n in 0..300 {
            get_of(&site, &format!("h{n}.example"), "/p").await;
        }
        for error in [
            site.cache.invalidate_url("/p").await.expect_err("too many"),
            minute().cache(&site.cache).invalidate("/p").await.expect_err("too many"),
        ] {
            assert!(error.to_string().contains("whole URL"), "{error}");
        }
        // What was known is removed, and the others by their URL.
        assert_eq!(get_of(&site, "a.example", "/p").await.0, "MISS");
        assert_eq!(get_of(&site, "h299.example", "/p").await.0, "HIT");
        assert!(site.cache.invalidate_url("http://h299.example/p").await.expect("carried out"));
        let listed = minute().hosts(["a.example"]).cache(&site.cache);
        assert!(listed.invalidate("/p").await.expect("carried out"));
    }
}

#[cache_evict(response, cache = cache, url = "/p")]
async fn change(axum::Extension(cache): axum::Extension<Cache>) -> StatusCode {
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn a_handler_that_evicts_a_path_reaches_all_hosts() {
    for cache in caches().await {
        let page = async |uri: Uri| uri.path().to_owned().into_response();
        let app = Router::new().route("/p", get(page)).layer(minute().cache(&cache));
        let app = app.route("/change", axum::routing::post(change)).layer(axum::Extension(cache.clone()));
        let send = async |method, uri, host| {
            ask(&app, request(method, uri, &[("host", host)])).await.expect("a response").x_cache()
        };
        let hosts = ["a.example", "b.example"];
        for host in hosts {
            assert_eq!([send("GET", "/p", host).await, send("GET", "/p", host).await], ["MISS", "HIT"]);
        }
        send("POST", "/change", "a.example").await;
        for host in hosts {
            assert_eq!(send("GET", "/p", host).await, "MISS");
        }
    }
}

/// A process that was just started knows the host of the request that changes something.
#[tokio::test]
async fn a_handler_that_evicts_a_path_reaches_its_own_host() {
    let prefix = unique("own");
    let page = async || "a page";
    let app = async || {
        let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
        let routes = Router::new().route("/p", get(page)).route("/change", axum::routing::post(change));
        routes.layer(minute().cache(&cache)).layer(axum::Extension(cache))
    };
    let (old, new) = (app().await, app().await);
    let host = [("host", "a.example")];
    let send = async |app: &Router, method, uri| {
        ask(app, request(method, uri, &host)).await.expect("a response").x_cache()
    };
    assert_eq!([send(&old, "GET", "/p").await, send(&old, "GET", "/p").await], ["MISS", "HIT"]);
    send(&new, "POST", "/change").await;
    assert_eq!(send(&old, "GET", "/p").await, "MISS");
}

#[tokio::test]
async fn an_origin_that_decides_has_a_page_for_each_host() {
    let layer = ResponseCacheLayer::new().obey_origin();
    let origin = || {
        Origin::new(|_, parts| {
            let host = parts.headers.get("host").map_or("", |host| host.to_str().expect("text"));
            Ok(response(200, &[("cache-control", "max-age=60")], host.to_owned()))
        })
    };
    for site in sites(layer, origin).await {
        for x_cache in ["MISS", "HIT"] {
            for host in ["a.example", "b.example"] {
                assert_eq!(get_of(&site, host, "/").await, (x_cache.to_owned(), host.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn a_path_reaches_the_hosts_of_a_layer_in_a_process_that_served_none() {
    let prefix = unique("hosts");
    let process = async || {
        on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache on the shared server")
    };
    let layer = minute().hosts(["a.example", "b.example"]);
    let serving = process().await;
    let served = tenants().behind(&layer.clone().cache(&serving));
    for is_scoped in [false, true] {
        for host in ["a.example", "b.example"] {
            for x_cache in ["MISS", "HIT"] {
                let got = ask(&served, request("GET", "/", &[("host", host)])).await.expect("a response");
                assert_eq!(got.x_cache(), x_cache, "{host}");
            }
        }
        let fresh = process().await;
        assert!(!fresh.invalidate_url("/").await.expect("the store is there"), "it knows no host yet");
        // The layer names its cache, or learns it where its service is built.
        let is_removed = match is_scoped {
            false => {
                let _other = tenants().behind(&layer.clone().cache(&fresh));
                fresh.invalidate_url("/").await
            }
            true => {
                let other = fresh.clone();
                let layer = layer.clone();
                fresh
                    .scope(async move {
                        let _other = tenants().behind(&layer);
                        other.invalidate_url("/").await
                    })
                    .await
            }
        };
        assert!(is_removed.expect("the store is there"), "{is_scoped}");
    }
    // It learns it at the latest with the first request that it does not answer.
    let fresh = process().await;
    let late = tenants().behind(&layer);
    ask(&served, request("GET", "/", &[("host", "b.example")])).await.expect("a response");
    fresh
        .scope(async {
            ask(&late, request("GET", "/new", &[("host", "a.example")])).await.expect("a response")
        })
        .await;
    assert!(fresh.invalidate_url("/").await.expect("the store is there"));
}

#[tokio::test]
async fn hosts_that_clients_invent_leave_room_for_those_of_a_layer() {
    for cache in caches().await {
        let all = tenants().behind(&minute().cache(&cache).group("all"));
        for n in 0..256 {
            let host = format!("h{n}.example");
            ask(&all, request("GET", "/", &[("host", &host)])).await.expect("a response");
        }
        let named = tenants().behind(&minute().cache(&cache).hosts(["a.example"]));
        ask(&named, request("GET", "/", &[("host", "a.example")])).await.expect("a response");
        assert!(cache.invalidate_url("/").await.expect("all hosts are known"), "{cache:?}");
    }
}
