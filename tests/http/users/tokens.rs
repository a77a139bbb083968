//! Clients with tokens in other headers than `Authorization`.

use std::net::SocketAddr;

use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, body::Body};
use larder::cache;
use larder::http::ResponseCacheLayer;
use support::stores::caches;
use support::wire::{Origin, Wire, response, serve, sites};

use super::app::{App, User, by_extension};

/// Headers that identify a client.
const TOKENS: [&str; 4] = ["x-api-key", "x-auth-token", "x-access-token", "proxy-authorization"];

#[cache(response, expire = "1h", private, cache = app.cache)]
async fn own_by_extension(app: State<App>, Extension(user): Extension<User>) -> Response {
    app.page(user.0).await
}

/// Identifies the user by a token.
async fn know_token(mut request: Request, next: Next) -> Response {
    let token = TOKENS.iter().find_map(|token| request.headers().get(*token));
    let user = User(token.map_or("-", |token| token.to_str().expect("text")).to_owned());
    request.extensions_mut().insert(user);
    next.run(request).await
}

async fn by_token(app: &App) -> SocketAddr {
    let routes = Router::new().route("/", get(by_extension)).route("/own", get(own_by_extension));
    serve(routes.layer(from_fn(know_token)).with_state(app.clone())).await
}

#[tokio::test]
async fn a_request_with_a_token_bypasses_shared_entries() {
    for cache in caches().await {
        let app = App::new(&cache);
        app.gate.open();
        let address = by_token(&app).await;
        for token in TOKENS {
            for user in ["alice", "bob", "alice"] {
                let got = Wire::to(address).await.exchange("GET", "/", &[(token, user)]).await;
                assert_eq!(got.brief(), ("BYPASS".to_owned(), user.to_owned()), "{token}");
            }
            let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
            assert_eq!(got.text(), "-", "{token}");
        }
        let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
        assert_eq!(got.brief(), ("HIT".to_owned(), "-".to_owned()));
    }
}

#[tokio::test]
async fn each_token_has_its_own_private_entry() {
    for cache in caches().await {
        for token in TOKENS {
            cache.clear().await.expect("cleared");
            let app = App::new(&cache);
            app.gate.open();
            let address = by_token(&app).await;
            for x_cache in ["MISS", "HIT"] {
                for (shows, user, x_cache) in [
                    (&[(token, "alice")][..], "alice", x_cache),
                    (&[(token, "bob")], "bob", x_cache),
                    (&[], "-", "BYPASS"),
                ] {
                    let got = Wire::to(address).await.exchange("GET", "/own", shows).await;
                    assert_eq!(got.brief(), (x_cache.to_owned(), user.to_owned()), "{token}");
                }
            }
            assert_eq!(app.calls.count(), 4, "{token}");
        }
    }
}

#[tokio::test]
async fn a_request_with_a_token_bypasses_a_layer_and_has_an_entry_in_a_private_one() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let origin = || {
        Origin::new(|_, parts| {
            let key = parts.headers.get("x-api-key").map_or(&b"-"[..], |key| key.as_bytes());
            Ok(response(200, &[], Body::from(key.to_vec())))
        })
    };
    for (layer, x_caches) in [
        (minute.clone(), ["BYPASS", "BYPASS"]),
        (minute.clone().private(), ["MISS", "HIT"]),
        (minute.vary(["x-api-key"]), ["MISS", "HIT"]),
    ] {
        for site in sites(layer.clone(), origin).await {
            for x_cache in x_caches {
                for user in ["alice", "bob"] {
                    let got = site.get_with("/", &[("x-api-key", user)]).await;
                    assert_eq!(got.brief(), (x_cache.to_owned(), user.to_owned()), "{layer:?}");
                }
            }
            assert_eq!(site.get("/").await.text(), "-");
        }
    }
}
