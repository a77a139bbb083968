//! Handlers behind a real server, and a client that shows each response as it was sent.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::response::Response;
use futures_util::StreamExt;
use larder::{Cache, IgnoreInKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::connection::{Http2, Protocol, http2_request};
use super::deployment::shared;
use super::stores::{Calls, Gate, in_time};
use super::wire::Reply;

/// The state that the handlers of a test share, with the responses that the test decides.
#[derive(Clone)]
pub struct App {
    /// The cache of the handlers.
    pub cache: Cache,
    /// The number of responses so far.
    pub calls: Arc<Calls>,
    /// A gate for handlers that stop.
    pub gate: Arc<Gate>,
    made: Arc<dyn Fn(usize) -> Response + Send + Sync>,
}

impl IgnoreInKey for App {}

impl App {
    /// Makes an application; `make` receives the number of earlier responses.
    pub fn new(cache: &Cache, make: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        Self { cache: cache.clone(), calls: Arc::default(), gate: Arc::default(), made: Arc::new(make) }
    }

    /// Makes an application that answers with the number of the call.
    pub fn counting(cache: &Cache) -> Self {
        Self::new(cache, |before| Response::new(Body::from(before.to_string())))
    }

    /// Makes the next response.
    pub fn make(&self) -> Response {
        (self.made)(self.calls.add())
    }
}

/// A server of HTTP/1.1 and HTTP/2 on a free port of 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    address: SocketAddr,
}

/// A response as the client received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// All headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer encoding.
    pub body: Vec<u8>,
}

impl Server {
    /// Serves `router` until the runtime ends.
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Sends a GET request with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    /// Sends a request on a connection of its own, with the protocol of the run, and reads the response.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        match Protocol::of_this_run() {
            Protocol::Http1 => self.send_http1(method, path, headers, body).await,
            Protocol::Http2 => self.send_http2(method, path, headers, body).await,
        }
    }

    /// Sends a request over HTTP/2 with prior knowledge.
    pub async fn send_http2(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = [("host", "example.com")];
        let headers = [if has_host { &[][..] } else { &host }, headers].concat();
        let mut connection = Http2::to(self.address).await;
        connection.send(http2_request(method, path, &headers, Body::from(body.to_owned()))).await;
        Answer::from(connection.response().await.expect("an answer"))
    }

    async fn send_http1(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        in_time(async {
            let mut stream = self.open(method, path, headers, body).await;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.expect("an answer");
            Answer::parse(method, &bytes)
        })
        .await
    }

    /// Sends a request over HTTP/1.1, and returns the connection before anything was read.
    pub async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: example.com\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
            head.push_str("connection: close\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.push_str(body);
        stream.write_all(head.as_bytes()).await.expect("a request");
        stream
    }
}

impl Answer {
    /// Parses a response to a request of `method`.
    ///
    /// # Panics
    /// When the bytes are not HTTP or end too early.
    pub fn parse(method: &str, bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect("the end of a head");
        let head = std::str::from_utf8(&bytes[..end]).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers = lines.map(|line| line.split_once(':').expect("a header"));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let mut answer = Self { status, headers: headers.collect(), body: Vec::new() };
        let rest = &bytes[end + 4..];
        answer.body = match answer.header("transfer-encoding") {
            Some(coding) => {
                assert_eq!(coding, "chunked");
                joined(rest)
            }
            None => rest.to_vec(),
        };
        let length = answer.header("content-length").map(|length| length.parse().expect("a length"));
        if method != "HEAD" && status != 304 {
            assert!(length.is_none_or(|length: usize| length == answer.body.len()), "{answer:?}");
        }
        answer
    }

    /// The value of a header that occurs at most once.
    ///
    /// # Panics
    /// When the header is repeated.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} occurs {} times: {:?}", all.len(), self.headers);
        all.first().copied()
    }

    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The `X-Cache` header: `HIT`, `MISS`, `STALE`, `BYPASS`, or nothing.
    #[track_caller]
    pub fn x_cache(&self) -> &str {
        self.header("x-cache").unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The `X-Cache` header and the body.
    #[track_caller]
    pub fn brief(&self) -> (&str, &str) {
        (self.x_cache(), self.text())
    }

    /// The `max-age` of the `Cache-Control` header.
    #[track_caller]
    pub fn max_age(&self) -> Option<u64> {
        let control = self.header("cache-control")?;
        control.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
    }

    /// The entity tag.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn tag(&self) -> &str {
        self.header("etag").expect("a tag")
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = reply.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Self { status: reply.status, headers: headers.collect(), body: reply.body }
    }
}

/// Joins the chunks of a body.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|end| end == b"\r\n").expect("the size of a chunk");
        let size =
            std::str::from_utf8(&rest[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("the size of a chunk");
        if size == 0 {
            return body;
        }
        let data = line + 2;
        body.extend_from_slice(&rest[data..data + size]);
        rest = &rest[data + size + 2..];
    }
}

/// All keys and values of the shared Redis server, as text.
pub fn in_redis() -> String {
    let keys = shared().command(&["KEYS", "*"]);
    keys.lines().map(|key| format!("{key}\n{}\n", shared().command(&["GET", key]))).collect()
}

/// Waits until a cache holds no entry and no lease; returns false if that does not happen.
pub async fn is_empty(cache: &Cache) -> bool {
    let mut left = Vec::new();
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(2);
    while std::time::Instant::now() < limit {
        left = cache.keys("*").collect().await;
        if left.is_empty() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    eprintln!("{left:?}");
    false
}
