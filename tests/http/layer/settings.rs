//! Settings of the layer.

use axum::http::StatusCode;
use larder::Expire;
use larder::http::NoCache::{Bypass, Ignore, Refresh};
use support::deployment::shared;
use support::stores::{LONG, caches, on, unique};
use support::wait::eventually_async;
use support::wire::{Origin, ask, proxies, request, response, sites};

use super::minute::minute;

#[tokio::test]
async fn groups_and_tags_are_dropped_in_one_step() {
    for site in sites(minute().group("pages").tag("all").tag("site"), || Origin::says(200, &[])).await {
        for drop in ["group", "all", "site"] {
            assert!(site.caches("/a").await && site.caches("/b").await);
            match drop {
                "group" => drop_of(site.cache.delete_group("pages")).await,
                tag => drop_of(site.cache.invalidate_tag(tag)).await,
            }
            assert_eq!(site.get("/a").await.x_cache(), "MISS", "{drop}");
            assert_eq!(site.get("/b").await.x_cache(), "MISS", "{drop}");
        }
        assert!(site.cache.delete_group("page").await.is_ok());
        assert_eq!(site.get("/a").await.x_cache(), "HIT");
        // A change invalidates entries in the group as well.
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
async fn a_status_can_have_its_own_expiry() {
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
            assert!(!site.caches(uri).await, "{uri}");
        }
    }
}

#[tokio::test]
async fn credentials_are_bypassed_private_or_shared_by_option() {
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
async fn no_cache_refreshes_bypasses_or_is_ignored_by_option() {
    for (choice, x_cache, next) in [(Refresh, "MISS", "1"), (Bypass, "BYPASS", "0"), (Ignore, "HIT", "0")] {
        for site in sites(minute().no_cache(choice), || Origin::says(200, &[])).await {
            for control in ["no-cache", "max-age=0", "NO-CACHE, max-age=0"] {
                let uri = format!("/{}", control.len());
                let calls = site.origin.calls();
                site.get(&uri).await;
                assert_eq!(site.get_with(&uri, &[("cache-control", control)]).await.x_cache(), x_cache);
                let stored: usize = next.parse().expect("a number");
                assert_eq!(site.get(&uri).await.text(), (calls + stored).to_string(), "{choice:?} {control}");
            }
            // A similar directive is ignored.
            assert_eq!(site.get_with("/8", &[("cache-control", "x-no-cache-y")]).await.x_cache(), "HIT");
        }
    }
}

#[tokio::test]
async fn a_response_with_too_many_header_bytes_is_not_stored() {
    let origin =
        || Origin::new(|_, parts| Ok(response(200, &[("x-long", &"h".repeat(parts.uri.path().len()))], "")));
    for site in sites(minute().max_headers(100), origin).await {
        assert!(site.caches("/short").await);
        let long = format!("/{}", "l".repeat(100));
        assert!(!site.caches(&long).await);
        assert_eq!(site.get(&long).await.field("x-long").map(|value| value.len()), Some(101));
    }
}

#[tokio::test]
async fn local_copies_answer_without_the_store() {
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
async fn another_version_starts_with_no_entries() {
    for cache in caches().await {
        let origin = Origin::says(200, &[]);
        for (version, text) in [(0, "0"), (1, "1"), (1, "1"), (0, "0")] {
            let service = origin.behind(&minute().version(version).cache(&cache));
            assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), text);
            assert!(version != 1 || ask(&service, request("PUT", "/none", &[])).await.is_ok());
        }
    }
}

#[test]
fn an_invalid_setting_is_an_error_that_names_it() {
    let cases = [
        ("expire", minute().expire(0)),
        ("expire", minute().expire("soon")),
        ("expire", minute().expire(-1)),
        ("expire_status", minute().expire_status(StatusCode::NOT_FOUND, "0s")),
        ("expire_status", minute().expire_status(StatusCode::INTERNAL_SERVER_ERROR, 5)),
        ("expire_status", minute().expire_status(StatusCode::PARTIAL_CONTENT, 5)),
        ("stale_while_revalidate", minute().stale_while_revalidate("x")),
        ("stale_while_revalidate", minute().stale_while_revalidate(Expire::Never)),
        ("stale_if_error", minute().stale_if_error(0)),
        ("local", minute().local("")),
        ("jitter", minute().jitter(1.0)),
        ("jitter", minute().jitter(f64::NAN)),
        ("vary", minute().vary(["not a name"])),
    ];
    for (setting, layer) in cases {
        let error = layer.vary(["neither this"]).check().expect_err(setting).to_string();
        assert!(error.starts_with(&format!("{setting} = ")), "{setting}: {error}");
        // All errors are there, in the order of the setters.
        assert!(
            error.contains("; vary = \"neither this\": is not the name of a header"),
            "{setting}: {error}"
        );
    }
    let error =
        minute().name(" ").expire(0).vary(["a", "b c", "d e"]).check().expect_err("four errors").to_string();
    let settings: Vec<_> =
        error.split("; ").filter_map(|part| part.split_once(" = ")).map(|(name, _)| name).collect();
    assert_eq!(settings, ["name", "expire", "vary", "vary"], "{error}");
}
