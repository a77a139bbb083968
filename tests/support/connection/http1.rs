//! A client of HTTP/1.1 at the level of bytes.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stores::in_time;
use crate::wire::Reply;

/// A connection of HTTP/1.1 at the level of bytes.
pub struct Http1 {
    stream: TcpStream,
    /// The bytes that were read and not used yet.
    rest: Vec<u8>,
}

impl Http1 {
    /// Opens a connection.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        Self { stream, rest: Vec::new() }
    }

    /// The connection of a client that has read nothing yet.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends bytes; the other side may have closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(in_time(self.stream.write_all(bytes)).await);
    }

    /// Sends a request without a body.
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

    /// Reads the next piece; returns false at the end.
    async fn more(&mut self) -> bool {
        let mut piece = vec![0; 64 << 10];
        let n = in_time(self.stream.read(&mut piece)).await.unwrap_or(0);
        self.rest.extend_from_slice(&piece[..n]);
        n > 0
    }

    /// Reads up to and including `end`; `None` when the connection ends before.
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

    /// Reads `len` bytes; fewer when the connection ends before.
    pub async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.rest.len() < len && self.more().await {}
        let rest = self.rest.split_off(len.min(self.rest.len()));
        std::mem::replace(&mut self.rest, rest)
    }

    /// Reads the head of a response; `None` when the connection ended.
    pub async fn head(&mut self) -> Option<Reply> {
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
        Some(Reply { status, headers, body: Vec::new() })
    }

    /// Reads a chunk of a body, which is empty at the end of the body.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.until(b"\r\n").await?;
        let len = usize::from_str_radix(std::str::from_utf8(&line).ok()?.trim(), 16).ok()?;
        let mut chunk = self.exactly(len + 2).await;
        (chunk.len() == len + 2).then(|| {
            chunk.truncate(len);
            chunk
        })
    }

    /// Reads a whole response to a request of `method`; `None` when the connection ends too early.
    pub async fn response(&mut self, method: &str) -> Option<Reply> {
        let mut reply = self.head().await?;
        if method == "HEAD" || matches!(reply.status, 100..=199 | 204 | 304) {
            return Some(reply);
        }
        if reply.field("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    return Some(reply);
                }
                reply.body.extend(chunk);
            }
        }
        let len: usize = reply.field("content-length").expect("a length").parse().expect("a number");
        reply.body = self.exactly(len).await;
        (reply.body.len() == len).then_some(reply)
    }

    /// Sends a request and reads the response.
    pub async fn exchange(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.request(method, uri, headers).await;
        self.response(method).await.expect("a response")
    }
}
