//! HTTP services with prepared responses.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, request};
use axum::routing::any_service;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use larder::Cache;
use larder::http::{ResponseCache, ResponseCacheLayer};
use larder::test_util::TestClock;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tower::{Layer, Service, ServiceExt};

pub use super::connection::Wire;
use super::connection::{Http2, Protocol, http2_request};
use super::stores::{Calls, Gate, caches_with, in_time};

/// The error of an [`Origin`] that gives no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the origin cannot be reached")
    }
}

impl std::error::Error for Unreachable {}

/// Makes the response to a request from its number.
type Respond = dyn Fn(usize, &request::Parts) -> Answer + Send + Sync;

/// The result of an origin.
pub type Answer = Result<Response<Body>, Unreachable>;

/// A service with prepared responses that records its requests.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

struct Inner {
    calls: Calls,
    seen: Mutex<Vec<request::Parts>>,
    gate: Mutex<Option<Arc<Gate>>>,
    answer: Box<Respond>,
}

impl Origin {
    /// Makes an origin that answers each request with `answer`.
    pub fn new(answer: impl Fn(usize, &request::Parts) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            calls: Calls::default(),
            seen: Mutex::default(),
            gate: Mutex::default(),
            answer: Box::new(answer),
        }))
    }

    /// Makes an origin with one response; the body is the number of the request.
    pub fn says(status: u16, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self::new(move |n, _| Ok(response(status, headers, n.to_string())))
    }

    /// The number of requests so far.
    pub fn calls(&self) -> usize {
        self.0.calls.count()
    }

    /// The last request.
    pub fn last(&self) -> request::Parts {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last().expect("there was a request").clone()
    }

    /// Makes the origin stop at `gate` before each response.
    pub fn stops_at(&self, gate: &Arc<Gate>) {
        *self.0.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(gate));
    }

    /// Wraps the origin in a layer.
    pub fn behind(&self, layer: &ResponseCacheLayer) -> ResponseCache<Self> {
        layer.layer(self.clone())
    }
}

impl<B: Send + 'static> Service<Request<B>> for Origin {
    type Response = Response<Body>;
    type Error = Unreachable;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unreachable>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let parts = request.into_parts().0;
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let n = inner.calls.add();
            inner.seen.lock().unwrap_or_else(PoisonError::into_inner).push(parts.clone());
            let gate = inner.gate.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(gate) = gate {
                gate.pass().await;
            }
            (inner.answer)(n, &parts)
        })
    }
}

/// Makes a response with these headers.
pub fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    *response.headers_mut() = fields(headers);
    response
}

/// Makes headers; repeated names stay repeated.
pub fn fields(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    map
}

/// Makes a request.
pub fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *request.uri_mut() = uri.parse().expect("a URI");
    *request.headers_mut() = fields(headers);
    request
}

/// A response whose body was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The values of a header, joined by commas.
    pub fn field(&self, name: &str) -> Option<String> {
        let lines: Vec<_> =
            self.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// The `X-Cache` header: `HIT`, `MISS`, `STALE`, `BYPASS`, or nothing.
    pub fn x_cache(&self) -> String {
        self.field("x-cache").unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `X-Cache` header and the body.
    pub fn brief(&self) -> (String, String) {
        (self.x_cache(), self.text())
    }
}

/// Sends a request to a service, and reads the whole response.
pub async fn ask<S, B>(service: &S, request: Request<Body>) -> Result<Reply, S::Error>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    B: axum::body::HttpBody,
    B::Error: fmt::Debug,
{
    let response = in_time(service.clone().oneshot(request)).await?;
    let (parts, body) = response.into_parts();
    let body = in_time(body.collect()).await.expect("the whole body").to_bytes().to_vec();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// An origin behind a layer, with one store.
pub struct Site {
    /// The cache of the layer.
    pub cache: Cache,
    /// The clock of the cache.
    pub clock: TestClock,
    /// The service behind the layer.
    pub origin: Origin,
    /// The layer around the origin.
    pub service: ResponseCache<Origin>,
    /// The server of the layer, where requests are sent over HTTP/2.
    server: OnceCell<SocketAddr>,
}

/// Makes an origin behind `layer` for each store.
pub async fn sites(layer: ResponseCacheLayer, origin: impl Fn() -> Origin) -> Vec<Site> {
    let clock = TestClock::new();
    let caches = caches_with(|builder| builder.clock(clock.clone())).await;
    caches
        .into_iter()
        .map(|cache| {
            let origin = origin();
            let service = origin.behind(&layer.clone().cache(&cache));
            Site::new(cache, clock.clone(), origin, service)
        })
        .collect()
}

/// Makes [`sites`] whose layer obeys its origin.
pub async fn proxies(origin: impl Fn() -> Origin) -> Vec<Site> {
    sites(ResponseCacheLayer::new().obey_origin(), origin).await
}

/// Makes [`sites`] whose layer stores for a minute.
pub async fn declared(origin: impl Fn() -> Origin) -> Vec<Site> {
    sites(ResponseCacheLayer::new().expire("1m"), origin).await
}

impl Site {
    /// Makes a site of `service`, which is a layer around `origin`.
    pub fn new(cache: Cache, clock: TestClock, origin: Origin, service: ResponseCache<Origin>) -> Self {
        Self { cache, clock, origin, service, server: OnceCell::new() }
    }

    /// Sends a request: to the service itself, or over HTTP/2 in a run over HTTP/2.
    pub async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Reply {
        match Protocol::of_this_run() {
            Protocol::Http1 => {
                ask(&self.service, request(method, uri, headers)).await.expect("the origin is reached")
            }
            Protocol::Http2 => {
                let server = self.server.get_or_init(|| serve_site(self.service.clone())).await;
                let mut connection = Http2::to(*server).await;
                connection.send(http2_request(method, uri, headers, Body::empty())).await;
                connection.response().await.expect("the origin is reached")
            }
        }
    }

    /// Sends a GET request.
    pub async fn get(&self, uri: &str) -> Reply {
        self.send("GET", uri, &[]).await
    }

    /// Sends a GET request with headers.
    pub async fn get_with(&self, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", uri, headers).await
    }

    /// Sends two GET requests, and returns whether the second was a hit.
    pub async fn caches(&self, uri: &str) -> bool {
        self.get(uri).await;
        self.get(uri).await.x_cache() == "HIT"
    }

    /// Advances the clock.
    pub fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Serves `app` on a free port until the runtime ends.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Serves a layer on a free port; its origin never fails.
pub async fn serve_site(service: ResponseCache<Origin>) -> SocketAddr {
    let service = ServiceExt::<Request<Body>>::map_err(service, |error| -> std::convert::Infallible {
        panic!("{error}")
    });
    // As a route, which sends no body for HEAD.
    serve(Router::new().fallback_service(any_service(service))).await
}
