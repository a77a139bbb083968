//! The byte stream under a connection.

use std::io;
use std::time::Duration;

use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::store::redis::url::Address;

/// The most bytes that wait in the kernel before they are sent: what is written beyond them shows that others were sent.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MOST_UNSENT: u32 = 64 << 10;

/// A stream of bytes in both directions.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// Connects to an address. A name is resolved for each stream.
///
/// # Errors
/// The last failure, when no address of the name accepts.
pub(super) async fn open(address: &Address) -> io::Result<Box<dyn ByteStream>> {
    match address {
        Address::Tcp { host, port } => {
            let stream = connect(host, *port).await?;
            configure(&stream)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix { path } => Ok(Box::new(UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix { .. } => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Connects to all addresses of a host at the same time; the first that accepts is used.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    for address in tokio::net::lookup_host((host, port)).await? {
        attempts.spawn(TcpStream::connect(address));
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(attempt) = attempts.join_next().await {
        match attempt.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    // Without TCP_NODELAY the writes of concurrent calls wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_notsent_lowat(MOST_UNSENT)?;
    Ok(())
}
