//! A client of server-sent events, which shows each as it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use larder::event_log::{EventLog, SseParts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use support::stores::in_time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server on a free port.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A router with the events of a log at `/events`.
pub(crate) fn events_of<T: DeserializeOwned + Serialize + 'static>(log: &EventLog<T>) -> Router {
    async fn events<T: DeserializeOwned + 'static>(
        parts: SseParts,
        State(log): State<EventLog<T>>,
    ) -> Response {
        log.sse(parts)
    }
    Router::new().route("/events", get(events::<T>)).with_state(log.clone())
}

/// A client that is connected.
pub(crate) struct SseClient {
    stream: TcpStream,
    /// The head of the response.
    pub(crate) head: String,
    bytes: Vec<u8>,
    /// The rest of the chunk that is being read.
    chunk: usize,
    text: String,
    blocks: VecDeque<Frame>,
    is_over: bool,
}

/// One event, or a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The fields, as they were sent.
    pub(crate) lines: Vec<String>,
}

impl Frame {
    /// The values of a field, one for each line.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let value = |line: &'_ str| -> Option<usize> {
            let rest = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(line.len() - rest.strip_prefix(' ').unwrap_or(rest).len())
        };
        self.lines.iter().filter_map(|line| value(line).map(|start| &line[start..])).collect()
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The data, as a browser would show it; `None` for an event that no browser shows.
    pub(crate) fn data(&self) -> Option<String> {
        let lines = self.all("data");
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// A comment and nothing else.
    pub(crate) fn is_comment(&self) -> bool {
        self.lines.iter().all(|line| line.starts_with(':'))
    }
}

impl SseClient {
    /// Connects, and reads the head of the response.
    pub(crate) async fn connect(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: example.com\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.expect("a request");
        let mut client = Self {
            stream,
            head: String::new(),
            bytes: Vec::new(),
            chunk: 0,
            text: String::new(),
            blocks: VecDeque::new(),
            is_over: false,
        };
        let end = loop {
            if let Some(end) = client.bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break end;
            }
            assert!(in_time(client.fill()).await, "a head");
        };
        client.head = String::from_utf8(client.bytes.drain(..end + 4).collect()).expect("a head of text");
        assert!(client.head.starts_with("HTTP/1.1 200"), "{}", client.head);
        client
    }

    /// Connects after an event.
    pub(crate) async fn resume(address: SocketAddr, last_id: Option<&str>) -> Self {
        let header = last_id.map(|id| ("last-event-id", id));
        Self::connect(address, "/events", header.as_slice()).await
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines
            .find_map(|line| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.trim())
    }

    /// The next event or comment; `None` at the end of the response.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        in_time(self.next_frame()).await
    }

    /// The next event that a browser shows; `None` at the end of the response.
    pub(crate) async fn event(&mut self) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.data().is_some() {
                return Some(frame);
            }
        }
    }

    /// The data of the next event.
    pub(crate) async fn data(&mut self) -> String {
        self.event().await.and_then(|frame| frame.data()).expect("an event")
    }

    /// Waits until the response ends.
    pub(crate) async fn until_ended(&mut self) {
        while self.next().await.is_some() {}
    }

    async fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.blocks.pop_front() {
                return Some(frame);
            }
            if self.is_over || !self.decode() && !self.fill().await {
                return None;
            }
        }
    }

    /// Decodes what was read; returns `true` if that was anything.
    fn decode(&mut self) -> bool {
        if self.chunk == 0 {
            let Some(end) = self.bytes.windows(2).position(|end| end == b"\r\n") else { return false };
            let line: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let size = std::str::from_utf8(&line[..end]).expect("a size");
            // The data and the line end behind it. A size of zero is the end.
            self.chunk = usize::from_str_radix(size, 16).expect("a size") + 2;
            self.is_over = self.chunk == 2;
            return true;
        }
        if self.bytes.len() < self.chunk {
            return false;
        }
        let data: Vec<u8> = self.bytes.drain(..self.chunk).collect();
        self.text.push_str(std::str::from_utf8(&data[..self.chunk - 2]).expect("text"));
        self.chunk = 0;
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            let lines = block.lines().filter(|line| !line.is_empty()).map(str::to_owned);
            self.blocks.push_back(Frame { lines: lines.collect() });
        }
        true
    }

    /// Reads more; returns `false` at the end.
    async fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer).await {
            Ok(read @ 1..) => {
                self.bytes.extend_from_slice(&buffer[..read]);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}
