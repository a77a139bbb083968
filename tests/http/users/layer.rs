//! Users of a layer.

use std::sync::Arc;

use axum::body::Body;
use larder::http::ResponseCacheLayer;
use support::stores::{Gate, caches};
use support::wire::{Origin, response, serve_site, sites};

use super::app::{USERS, ask_as, assert_own, name, stampede, who};

/// A service that greets its user.
fn greeter(headers: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |_, parts| {
            let user = who(&parts.headers);
            let mut response = response(200, headers, Body::from(user.clone()));
            response.headers_mut().insert("x-user", user.parse().expect("a value"));
            Ok(response)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_users_of_a_layer_each_get_their_own_response() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let obeys = ResponseCacheLayer::new().obey_origin();
    let own = greeter(&[]);
    let by_vary = greeter(&[("vary", "authorization, cookie"), ("cache-control", "public, max-age=60")]);
    let private = greeter(&[("cache-control", "private, max-age=60")]);
    let sets = greeter(&[("set-cookie", "a=b"), ("cache-control", "max-age=60")]);
    for (layer, origin) in [
        (minute.clone(), &own as &(dyn Fn() -> Origin + Sync)),
        (minute.clone().private(), &own),
        (minute.clone().private().local("1m").stale_while_revalidate("1m"), &own),
        (minute.clone().shared(), &private),
        (minute.clone().shared(), &sets),
        (minute.clone().vary(["authorization", "cookie"]).shared(), &own),
        (minute.shared(), &by_vary),
        (obeys.clone(), &by_vary),
        (obeys.clone(), &private),
        (obeys, &sets),
    ] {
        for site in sites(layer.clone(), origin).await {
            let gate = Arc::new(Gate::default());
            site.origin.stops_at(&gate);
            let address = serve_site(site.service.clone()).await;
            let about = format!("{layer:?}");
            assert_own(&stampede(address, &gate, "/").await, &about);
            for user in 0..USERS.len() {
                for method in ["GET", "HEAD", "GET"] {
                    assert_own(&[(user, ask_as(address, user, method, "/").await)], &about);
                }
            }
        }
    }
}

#[tokio::test]
async fn entries_stored_before_a_layer_became_private_reach_no_user() {
    for cache in caches().await {
        for headers in [&[][..], &[("vary", "accept")]] {
            cache.clear().await.expect("cleared");
            let origin = greeter(headers)();
            let before = origin.behind(&ResponseCacheLayer::new().expire("1h").shared().cache(&cache));
            let after = origin.behind(&ResponseCacheLayer::new().expire("1h").private().cache(&cache));
            let before = serve_site(before).await;
            let after = serve_site(after).await;
            assert_eq!(ask_as(before, 0, "GET", "/").await.text(), name(0));
            for user in [1, 2, 4, 0] {
                assert_eq!(ask_as(after, user, "GET", "/").await.text(), name(user));
            }
            for user in 0..USERS.len() {
                assert_eq!(ask_as(after, user, "GET", "/").await.text(), name(user));
            }
        }
    }
}
