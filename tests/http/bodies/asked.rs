//! Requests whose body does not say that it is empty.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::map_request;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use hyper::body::Frame;
use support::connection::{Http2, http2_request};
use support::stores::{Calls, caches};
use support::wire::{Wire, serve};

use super::feed::minute;

/// A body that says nothing of its length, as the one with a timeout of tower-http.
struct Silent(Body);

impl HttpBody for Silent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }
}

async fn silent(request: Request) -> Request {
    request.map(|body| Body::new(Silent(body)))
}

#[tokio::test]
async fn a_get_below_a_layer_that_hides_its_body_is_cached() {
    for cache in caches().await {
        let app = Router::new().route("/", get(async |body: String| format!("<{body}>")));
        let app = app.layer(minute().cache(&cache)).layer(map_request(silent));
        let mut wire = Wire::to(serve(app).await).await;
        for x_cache in ["MISS", "HIT", "HIT"] {
            let got = wire.exchange("GET", "/", &[]).await;
            assert_eq!(got.brief(), (x_cache.to_owned(), "<>".to_owned()), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_body_of_http2_that_no_header_announces_reaches_its_service_and_no_other_client() {
    for cache in caches().await {
        let app = Router::new().route("/", get(async |body: String| format!("<{body}>")));
        let app = app.layer(minute().cache(&cache));
        for app in [app.clone(), app.layer(map_request(silent))] {
            cache.clear().await.expect("cleared");
            let mut connection = Http2::to(serve(app).await).await;
            for (pieces, brief) in [
                (&["mallory", "!"][..], ("BYPASS", "<mallory!>")),
                (&[], ("MISS", "<>")),
                (&["", "eve"], ("BYPASS", "<eve>")),
                (&[], ("HIT", "<>")),
            ] {
                let pieces = stream::iter(pieces.to_vec()).map(Ok::<_, Infallible>);
                connection.send(http2_request("GET", "/", &[], Body::from_stream(pieces))).await;
                let got = connection.response().await.expect("a response");
                assert_eq!(got.brief(), (brief.0.to_owned(), brief.1.to_owned()), "{cache:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_begin_delays_its_own_request_alone() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        // A service that does not read the body.
        let app = Router::new().route("/", get(async move || counted.add().to_string()));
        let address = serve(app.layer(minute().cache(&cache))).await;
        let never = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        for n in 0..2 {
            let mut connection = Http2::to(address).await;
            connection.send(http2_request("GET", "/", &[("host", "test")], never())).await;
            let got = connection.response().await.expect("a response");
            assert_eq!(got.brief(), ("BYPASS".to_owned(), n.to_string()), "{cache:?}");
        }
        let mut connection = Http2::to(address).await;
        connection.send(http2_request("GET", "/", &[("host", "test")], never())).await;
        let other = Http2::to(address).await.exchange("GET", "/", &[]).await;
        assert_eq!(other.x_cache(), "MISS", "{cache:?}");
        assert_eq!(connection.response().await.expect("a response").x_cache(), "BYPASS", "{cache:?}");
    }
}
