//! A small caching proxy in front of one origin: what may be kept, and for how long, is what the origin says (RFC 9111).
//!
//! ```sh
//! cargo run --example reverse_proxy --features http -- 127.0.0.1:8080 http://127.0.0.1:8000
//! curl -i http://127.0.0.1:8080/   # X-Cache: MISS, and Cache-Status says why
//! curl -i http://127.0.0.1:8080/   # X-Cache: HIT, if the origin's Cache-Control allows it
//! ```
//!
//! It keeps responses in memory, or in Redis with `REDIS_URL`. Ctrl-c stops it.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use larder::Cache;
use larder::http::ResponseCacheLayer;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: reverse_proxy <listen> <origin>, as in: reverse_proxy 127.0.0.1:8080 http://127.0.0.1:8000");
        std::process::exit(2);
    };
    let origin = parse(&origin)?;
    let cache = Cache::from_env().prefix("proxy").init().await?;

    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let forward = {
        let origin = origin.clone();
        service_fn(move |request: Request<Body>| {
            let (client, origin) = (client.clone(), origin.clone());
            async move { Ok::<_, Infallible>(forward(&client, &origin, request).await) }
        })
    };
    let cached = ServiceBuilder::new().layer(ResponseCacheLayer::new().obey_origin()).service(forward);
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

/// Sends a request on as it came, but for what belongs to the connection it came on.
async fn forward(client: &Client<HttpConnector, Body>, origin: &Uri, mut request: Request<Body>) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let uri = Uri::builder()
        .scheme("http")
        .authority(origin.authority().map_or("", |authority| authority.as_str()))
        .path_and_query(path)
        .build();
    match uri {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    }
    strip(request.headers_mut());
    match client.request(request).await {
        Ok(mut response) => {
            strip(response.headers_mut());
            response.into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the origin did not answer: {error}")).into_response(),
    }
}

/// Removes the fields that are between two neighbours only (RFC 9110, 7.6.1).
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
    // Without a signal to wait for there is nothing that could stop it.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
