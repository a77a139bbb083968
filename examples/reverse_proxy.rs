//! A small caching proxy in front of one origin, which decides on storing and expiry (RFC 9111).
//!
//! ```sh
//! cargo run --example reverse_proxy --features http -- 127.0.0.1:8080 http://127.0.0.1:8000
//! curl -i http://127.0.0.1:8080/   # X-Cache: MISS, with the reason in Cache-Status
//! curl -i http://127.0.0.1:8080/   # X-Cache: HIT, if the origin's Cache-Control allows it
//! ```
//!
//! Responses are stored in memory, or in Redis with `REDIS_URL`. Ctrl-c stops the proxy.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{HeaderMap, HeaderName, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use larder::Cache;
use larder::http::ResponseCacheLayer;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        eprintln!(
            "usage: reverse_proxy <listen> <origin>, as in: reverse_proxy 127.0.0.1:8080 http://127.0.0.1:8000"
        );
        std::process::exit(2);
    };
    let origin = parse(&origin)?;
    let cache = Cache::from_env().prefix("proxy").init().await?;

    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    // Origins close idle connections, and a request must not meet that moment.
    let client = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(2))
        .build::<_, Body>(connector);
    let forward = {
        let origin = origin.clone();
        service_fn(move |request: Request<Body>| {
            let (client, origin) = (client.clone(), origin.clone());
            async move { forward(&client, &origin, request).await }
        })
    };
    // The error layer is outside the cache, which serves stale responses while the origin is unreachable.
    let unreached = HandleErrorLayer::new(async |error: Error| {
        (StatusCode::BAD_GATEWAY, format!("the origin did not answer: {error}"))
    });
    let cached = ServiceBuilder::new()
        .layer(unreached)
        .layer(ResponseCacheLayer::new().obey_origin())
        .service(forward);
    let app = Router::new().fallback_service(cached);

    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}, in front of {origin}; ctrl-c stops it", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    cache.close().await;
    println!("stopped");
    Ok(())
}

/// The scheme and the host of the origin.
fn parse(origin: &str) -> Result<Uri, String> {
    let origin = if origin.contains("://") { origin.to_owned() } else { format!("http://{origin}") };
    match origin.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.authority().is_some() => Ok(uri),
        _ => Err(format!("{origin} is not an origin; write one such as http://127.0.0.1:8000")),
    }
}

/// Forwards a request without its hop-by-hop fields.
async fn forward(
    client: &Client<HttpConnector, Body>,
    origin: &Uri,
    mut request: Request<Body>,
) -> Result<Response<Incoming>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut parts = origin.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_else(|_| origin.clone());
    strip(request.headers_mut());
    let mut response = client.request(request).await?;
    strip(response.headers_mut());
    Ok(response)
}

/// Removes the hop-by-hop fields (RFC 9110, 7.6.1).
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"] {
        headers.remove(name);
    }
}

async fn stopped() {
    // Without a signal handler the server runs forever.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
