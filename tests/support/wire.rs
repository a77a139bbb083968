//! HTTP for the tests: a service that answers as it is told, what is asked of it, and a client that speaks bytes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, request};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use larder::Cache;
use larder::http::{ResponseCache, ResponseCacheLayer};
use larder::test_util::TestClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service, ServiceExt};

use super::tiers::{Calls, Gate, caches_with, in_time};

/// Why an [`Origin`] gives no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the origin cannot be reached")
    }
}

impl std::error::Error for Unreachable {}

/// What an origin gives.
pub type Answer = Result<Response<Body>, Unreachable>;

/// A service that answers the request with the number `n` as it is told, and remembers what it was asked.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

type Answers = dyn Fn(usize, &request::Parts) -> Answer + Send + Sync;

struct Inner {
    calls: Calls,
    seen: Mutex<Vec<request::Parts>>,
    gate: Mutex<Option<Arc<Gate>>>,
    answer: Box<Answers>,
}

impl Origin {
    /// One that is told for each request.
    pub fn new(answer: impl Fn(usize, &request::Parts) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            calls: Calls::default(),
            seen: Mutex::default(),
            gate: Mutex::default(),
            answer: Box::new(answer),
        }))
    }

    /// One that always says the same, with the number of the request as its body.
    pub fn says(status: u16, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self::new(move |n, _| Ok(response(status, headers, n.to_string())))
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.0.calls.count()
    }

    /// The last request.
    pub fn last(&self) -> request::Parts {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last().expect("it was asked").clone()
    }

    /// From now on it stops before it answers.
    pub fn stops_at(&self, gate: &Arc<Gate>) {
        *self.0.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(gate));
    }

    /// The origin behind a layer.
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

/// A response with these headers.
pub fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    *response.headers_mut() = fields(headers);
    response
}

/// Headers; those that are there twice stay so.
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

/// A request.
pub fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *request.uri_mut() = uri.parse().expect("a URI");
    *request.headers_mut() = fields(headers);
    request
}

/// A response that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Got {
    /// The lines of a field, joined.
    pub fn field(&self, name: &str) -> Option<String> {
        let lines: Vec<_> =
            self.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// `HIT`, `MISS`, `STALE` or `BYPASS`.
    pub fn x_cache(&self) -> String {
        self.field("x-cache").unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `X-Cache` and the body, which is most of what tests ask.
    pub fn brief(&self) -> (String, String) {
        (self.x_cache(), self.text())
    }
}

/// Asks a service, and reads its response to the end.
pub async fn ask<S, B>(service: &S, request: Request<Body>) -> Result<Got, S::Error>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    B: axum::body::HttpBody,
    B::Error: fmt::Debug,
{
    let response = in_time(service.clone().oneshot(request)).await?;
    let (parts, body) = response.into_parts();
    let body = in_time(body.collect()).await.expect("the whole body").to_bytes().to_vec();
    Ok(Got { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// An origin behind a layer, on one tier.
pub struct Site {
    pub cache: Cache,
    pub clock: TestClock,
    pub origin: Origin,
    pub service: ResponseCache<Origin>,
}

/// The origin that `origin` makes, behind `layer`, on each tier.
pub async fn sites(layer: ResponseCacheLayer, origin: impl Fn() -> Origin) -> Vec<Site> {
    let clock = TestClock::new();
    let caches = caches_with(|builder| builder.clock(clock.clone())).await;
    caches
        .into_iter()
        .map(|cache| {
            let origin = origin();
            let service = origin.behind(&layer.clone().cache(&cache));
            Site { cache, clock: clock.clone(), origin, service }
        })
        .collect()
}

/// [`sites`] that obey their origins.
pub async fn proxies(origin: impl Fn() -> Origin) -> Vec<Site> {
    sites(ResponseCacheLayer::new().obey_origin(), origin).await
}

/// [`sites`] that keep for a minute what does not say otherwise.
pub async fn declared(origin: impl Fn() -> Origin) -> Vec<Site> {
    sites(ResponseCacheLayer::new().expire("1m"), origin).await
}

impl Site {
    /// Asks.
    pub async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Got {
        ask(&self.service, request(method, uri, headers)).await.expect("the origin is reached")
    }

    /// A `GET`.
    pub async fn get(&self, uri: &str) -> Got {
        self.send("GET", uri, &[]).await
    }

    /// A `GET` with headers.
    pub async fn get_with(&self, uri: &str, headers: &[(&str, &str)]) -> Got {
        self.send("GET", uri, headers).await
    }

    /// Whether a second `GET` is answered from the cache.
    pub async fn keeps(&self, uri: &str) -> bool {
        self.get(uri).await;
        self.get(uri).await.x_cache() == "HIT"
    }

    /// Moves the clock on.
    pub fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Serves on a free port, for as long as the runtime runs.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A service on a free port, whose origin is always reached.
pub async fn serve_site(service: ResponseCache<Origin>) -> SocketAddr {
    let service = ServiceExt::<Request<Body>>::map_err(service, |error| -> std::convert::Infallible {
        panic!("{error}")
    });
    serve(Router::new().fallback_service(service)).await
}

/// A connection that speaks bytes.
pub struct Wire {
    stream: TcpStream,
    /// What was read and not used yet.
    rest: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        Self { stream, rest: Vec::new() }
    }

    /// Sends bytes. The other side may have closed already.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(in_time(self.stream.write_all(bytes)).await);
    }

    /// Sends a request with a head only.
    pub async fn request(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) {
        let mut text = format!("{method} {uri} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str("Host: test\r\n");
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        self.send(text.as_bytes()).await;
    }

    /// One more piece, until the end.
    async fn more(&mut self) -> bool {
        let mut piece = vec![0; 64 << 10];
        let n = in_time(self.stream.read(&mut piece)).await.unwrap_or(0);
        self.rest.extend_from_slice(&piece[..n]);
        n > 0
    }

    /// Reads until there is `end`, and takes all up to it. None when the connection ended before.
    pub async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut from = 0;
        loop {
            let found = self.rest[from..].windows(end.len()).position(|window| window == end);
            if let Some(at) = found {
                let rest = self.rest.split_off(from + at + end.len());
                return Some(std::mem::replace(&mut self.rest, rest));
            }
            from = self.rest.len().saturating_sub(end.len());
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads so many bytes; fewer when the connection ends before.
    pub async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.rest.len() < len && self.more().await {}
        let rest = self.rest.split_off(len.min(self.rest.len()));
        std::mem::replace(&mut self.rest, rest)
    }

    /// The head of a response. None when the connection ended.
    pub async fn head(&mut self) -> Option<Got> {
        let head = self.until(b"\r\n\r\n").await?;
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii());
        let status = lines.next()?.split(|byte| *byte == b' ').nth(1)?;
        let status = std::str::from_utf8(status).ok()?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':').expect("a field");
            headers.append(
                HeaderName::from_bytes(&line[..colon]).expect("a name"),
                HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).expect("a value"),
            );
        }
        Some(Got { status, headers, body: Vec::new() })
    }

    /// One chunk of a body; empty at its end.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.until(b"\r\n").await?;
        let len = usize::from_str_radix(std::str::from_utf8(&line).ok()?.trim(), 16).ok()?;
        let mut chunk = self.exactly(len + 2).await;
        (chunk.len() == len + 2).then(|| {
            chunk.truncate(len);
            chunk
        })
    }

    /// A whole response to a request of `method`. None when the connection ended too early.
    pub async fn response(&mut self, method: &str) -> Option<Got> {
        let mut got = self.head().await?;
        if method == "HEAD" || matches!(got.status, 100..=199 | 204 | 304) {
            return Some(got);
        }
        if got.field("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    return Some(got);
                }
                got.body.extend(chunk);
            }
        }
        let len: usize = got.field("content-length").expect("a length").parse().expect("a number");
        got.body = self.exactly(len).await;
        (got.body.len() == len).then_some(got)
    }

    /// Sends a request and reads its response.
    pub async fn exchange(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Got {
        self.request(method, uri, headers).await;
        self.response(method).await.expect("a response")
    }
}
