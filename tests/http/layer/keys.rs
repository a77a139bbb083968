//! The keys of URLs.

use support::deployment::shared;
use support::stores::{on, unique};
use support::wire::{Origin, ask, declared, request, sites};

use super::minute::minute;

/// Returns the keys of a cache on the shared server, without its prefix.
fn keys(prefix: &str) -> Vec<String> {
    let found = shared().command(&["KEYS", &format!("{prefix}*")]);
    let mut keys: Vec<_> = found.lines().map(|key| key[prefix.len()..].to_owned()).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn keys_are_readable_and_contain_the_group() {
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
async fn queries_are_sorted_by_name_and_repeated_names_keep_their_order() {
    for site in declared(|| Origin::says(200, &[])).await {
        for (uri, n) in [
            ("/?z=2&a=1", "0"),
            ("/?a=1&z=2", "0"),
            ("/?a=1&a=2", "1"),
            ("/?a=2&a=1", "2"),
            ("/", "3"),
            ("/?", "4"),
            ("/?a=", "5"),
            ("/?a", "6"),
            ("/?&&a=&", "5"),
            // Two spellings of one name.
            ("/?a=1&%61=2", "7"),
            ("/?%61=2&a=1", "8"),
        ] {
            assert_eq!(site.get(uri).await.text(), n, "{uri}");
        }
    }
}

#[tokio::test]
async fn similar_and_long_paths_have_separate_entries() {
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
    // The beginning of the key is still readable.
    assert!(
        keys.iter().all(|key| key.len() < 250) && keys.iter().any(|key| key.contains("GET:/xxxx")),
        "{keys:?}"
    );
}

#[tokio::test]
async fn vary_headers_are_in_the_key_and_in_the_response() {
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
                (n, Some("Accept, X-Tenant, Cookie, x-theme"))
            );
        }
    }
}

#[tokio::test]
async fn authority_puts_the_host_into_the_key() {
    for (counts, n) in [(false, "0"), (true, "1")] {
        for site in sites(minute().authority(counts), || Origin::says(200, &[])).await {
            site.get_with("/", &[("host", "a.example")]).await;
            assert_eq!(site.get_with("/", &[("host", "b.example")]).await.text(), n);
            assert_eq!(site.get_with("/", &[("host", "A.Example")]).await.text(), "0");
        }
    }
}

#[tokio::test]
async fn a_custom_key_replaces_the_url() {
    let layer = minute().key(|parts| {
        let tenant = parts.headers.get("x-tenant").map_or("none", |tenant| tenant.to_str().unwrap_or("none"));
        format!("{tenant}:{}", parts.uri.path())
    });
    for site in sites(layer, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/?a=1").await.text(), "0");
        assert_eq!(site.get("/?a=2").await.text(), "0");
        assert_eq!(site.get_with("/", &[("x-tenant", "t")]).await.text(), "1");
        // A change invalidates the entry of its key only.
        site.send("DELETE", "/?a=3", &[]).await;
        assert_eq!(site.get("/").await.x_cache(), "MISS");
        assert_eq!(site.get_with("/", &[("x-tenant", "t")]).await.x_cache(), "HIT");
    }
    let odd = minute().key(|parts| format!("{}\0\r\n{}", parts.uri.path(), "k".repeat(1 << 20)));
    for site in sites(odd, || Origin::says(200, &[])).await {
        assert!(site.caches("/a").await);
        assert_eq!(site.get("/b").await.x_cache(), "MISS");
    }
}
