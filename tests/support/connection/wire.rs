//! A connection with the protocol of a run.

use std::net::SocketAddr;

use super::{Http1, Http2, Protocol};
use crate::wire::Reply;

/// A connection with the protocol of the run.
pub enum Wire {
    /// HTTP/1.1.
    Http1(Http1),
    /// HTTP/2.
    Http2(Http2),
}

impl Wire {
    /// Opens a connection.
    pub async fn to(address: SocketAddr) -> Self {
        match Protocol::of_this_run() {
            Protocol::Http1 => Self::Http1(Http1::to(address).await),
            Protocol::Http2 => Self::Http2(Http2::to(address).await),
        }
    }

    /// Sends a request without a body.
    pub async fn request(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) {
        match self {
            Self::Http1(wire) => wire.request(method, uri, headers).await,
            Self::Http2(wire) => wire.request(method, uri, headers).await,
        }
    }

    /// Reads the head of a response; `None` when there is none.
    pub async fn head(&mut self) -> Option<Reply> {
        match self {
            Self::Http1(wire) => wire.head().await,
            Self::Http2(wire) => wire.head().await,
        }
    }

    /// Reads the next piece of a body that is sent in pieces. The piece is empty at the end of the body; `None` when the body
    /// is cut off.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Http1(wire) => wire.chunk().await,
            Self::Http2(wire) => wire.chunk().await,
        }
    }

    /// Reads a whole response to a request of `method`; `None` when it is cut off.
    pub async fn response(&mut self, method: &str) -> Option<Reply> {
        match self {
            Self::Http1(wire) => wire.response(method).await,
            Self::Http2(wire) => wire.response().await,
        }
    }

    /// Sends a request and reads the response.
    pub async fn exchange(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.request(method, uri, headers).await;
        self.response(method).await.expect("a response")
    }
}
