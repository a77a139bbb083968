//! A client of HTTP/2.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::stores::in_time;
use crate::wire::{Reply, fields};

/// A connection of HTTP/2 with prior knowledge.
pub struct Http2 {
    sender: SendRequest<Body>,
    sent: Option<JoinHandle<hyper::Result<Response<Incoming>>>>,
    body: Option<Incoming>,
    trailers: Option<HeaderMap>,
}

impl Http2 {
    /// Opens a connection.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        let (sender, connection) =
            in_time(handshake(TokioExecutor::new(), TokioIo::new(stream))).await.expect("a handshake");
        tokio::spawn(connection);
        Self { sender, sent: None, body: None, trailers: None }
    }

    /// Sends a request without a body, to the host `test` unless the headers name one.
    pub async fn request(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) {
        let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = if has_host { &[][..] } else { &[("host", "test")] };
        self.send(http2_request(method, uri, &[host, headers].concat(), Body::empty())).await;
    }

    /// Sends a request.
    pub async fn send(&mut self, request: Request<Body>) {
        in_time(self.sender.ready()).await.expect("the connection is open");
        self.sent = Some(tokio::spawn(self.sender.send_request(request)));
        // The connection writes in a task of its own.
        tokio::task::yield_now().await;
    }

    /// Reads the head of a response; `None` when there is none.
    pub async fn head(&mut self) -> Option<Reply> {
        let response =
            in_time(self.sent.take().expect("a request was sent")).await.expect("no panic").ok()?;
        let (mut parts, body) = response.into_parts();
        self.body = Some(body);
        // axum announces the length of every empty body, and HTTP/1.1 leaves it out for these statuses.
        if matches!(parts.status.as_u16(), 204 | 304) {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        Some(Reply { status: parts.status.as_u16(), headers: parts.headers, body: Vec::new() })
    }

    /// Reads the next piece of a body, which is empty at the end; `None` when the stream was reset.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let body = self.body.as_mut().expect("a head was read");
        loop {
            match in_time(body.frame()).await {
                None => return Some(Vec::new()),
                Some(Err(_)) => return None,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Some(data.to_vec()),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
    }

    /// Reads a whole response; `None` when the stream was reset.
    pub async fn response(&mut self) -> Option<Reply> {
        let mut reply = self.head().await?;
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Some(reply);
            }
            reply.body.extend(chunk);
        }
    }

    /// The trailers of the body that was read last.
    pub fn trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }

    /// Sends a request and reads the response.
    pub async fn exchange(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.request(method, uri, headers).await;
        self.response().await.expect("a response")
    }
}

/// A request with these headers. As browsers do, the first host is sent as `:authority` unless the URI has one.
pub fn http2_request(method: &str, uri: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *request.headers_mut() = fields(headers);
    let hosts: Vec<_> = request.headers().get_all(header::HOST).iter().cloned().collect();
    let whole = match hosts.split_first() {
        Some((first, others)) if uri.starts_with('/') => {
            request.headers_mut().remove(header::HOST);
            for host in others {
                request.headers_mut().append(header::HOST, host.clone());
            }
            format!("http://{}{uri}", first.to_str().expect("a host"))
        }
        // Without an authority, which this version alone allows.
        _ => uri.to_owned(),
    };
    *request.uri_mut() = whole.parse::<Uri>().expect("a URI");
    request
}
