//! Proofs of one request, beside the credential of its user.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use support::stores::caches;
use support::wire::{ask, request};

/// The user, in the header that this name stands for.
fn who(headers: &HeaderMap) -> String {
    ["authorization", "cookie", "dpop", "x-csrf-token"]
        .into_iter()
        .find_map(|name| headers.get(name))
        .map_or_else(|| "nobody".to_owned(), |value| value.to_str().expect("text").to_owned())
}

#[cache(response, expire = "1h", private, cache = cache.0)]
async fn private(cache: State<Cache>, headers: HeaderMap) -> String {
    who(&headers)
}

#[cache(response, expire = "1h", vary(authorization), cache = cache.0)]
async fn varied(cache: State<Cache>, headers: HeaderMap) -> String {
    who(&headers)
}

#[cache(response, expire = "1h", cache = cache.0, ignore(headers))]
async fn plain(cache: State<Cache>, headers: HeaderMap) -> String {
    who(&headers)
}

fn app(cache: &Cache) -> Router {
    let layer = ResponseCacheLayer::new().expire("1h").cache(cache).private();
    let bare = async |headers: HeaderMap| who(&headers);
    let app = Router::new().route("/layer", get(bare)).layer(layer);
    let app = app.route("/private", get(private)).route("/varied", get(varied)).route("/plain", get(plain));
    app.with_state(cache.clone())
}

#[tokio::test]
async fn a_proof_beside_a_credential_is_not_in_the_key() {
    for cache in &caches().await {
        let app = app(cache);
        for (credential, proof) in
            [("authorization", "dpop"), ("authorization", "x-csrf-token"), ("cookie", "x-csrf-token")]
        {
            let paths = ["/private", "/layer", "/varied"];
            let paths = if credential == "cookie" { &paths[..2] } else { &paths };
            for path in paths {
                for user in ["alice", "bob"] {
                    let user = match credential {
                        "cookie" => format!("sid={user}"),
                        _ => format!("DPoP {user}-{proof}"),
                    };
                    for (n, x_cache) in ["MISS", "HIT", "HIT"].into_iter().enumerate() {
                        let fields = [(credential, user.as_str()), (proof, &n.to_string())];
                        let got = ask(&app, request("GET", path, &fields)).await.expect("a response");
                        assert_eq!(
                            got.brief(),
                            (x_cache.to_owned(), user.clone()),
                            "{cache:?} {path} {fields:?}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_proof_alone_or_beside_another_credential_is_one() {
    for cache in &caches().await {
        let app = app(cache);
        for fields in [
            &[("dpop", "a")][..],
            &[("dpop", "b")],
            &[("x-csrf-token", "a")],
            &[("x-csrf-token", "b")],
            // Nothing binds the proof to this token.
            &[("authorization", "Bearer a"), ("dpop", "a")],
            &[("authorization", "Bearer a"), ("dpop", "b")],
        ] {
            for path in ["/private", "/layer"] {
                for x_cache in ["MISS", "HIT"] {
                    let got = ask(&app, request("GET", path, fields)).await.expect("a response");
                    assert_eq!(
                        got.brief(),
                        (x_cache.to_owned(), fields[0].1.to_owned()),
                        "{cache:?} {path} {fields:?}"
                    );
                }
            }
            let got = ask(&app, request("GET", "/plain", fields)).await.expect("a response");
            assert_eq!(got.x_cache(), "BYPASS", "{cache:?} {fields:?}");
            let status = got.field("cache-status");
            assert_eq!(status.as_deref(), Some("larder; fwd=bypass; fwd-status=200; detail=credential"));
        }
    }
}

#[tokio::test]
async fn a_response_that_differs_by_a_proof_is_for_that_proof() {
    for cache in &caches().await {
        let bare = async |headers: HeaderMap| {
            let token = headers.get("x-csrf-token").map(|value| value.to_str().expect("text").to_owned());
            ([("vary", "x-csrf-token")], token.unwrap_or_default())
        };
        let layer = ResponseCacheLayer::new().expire("1h").cache(cache).private();
        let app: Router = Router::new().route("/", get(bare)).layer(layer);
        for token in ["a", "b"] {
            for x_cache in ["MISS", "HIT"] {
                let fields = [("cookie", "sid=1"), ("x-csrf-token", token)];
                let got = ask(&app, request("GET", "/", &fields)).await.expect("a response");
                assert_eq!(got.brief(), (x_cache.to_owned(), token.to_owned()), "{cache:?} {token}");
            }
        }
    }
}
