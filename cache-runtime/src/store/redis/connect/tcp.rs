//! TCP streams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The most bytes that wait in the kernel before they are sent: what is written beyond them shows that others were sent.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MOST_UNSENT: u32 = 64 << 10;

/// Connects to all addresses of a host at the same time; the first that accepts is used.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = first(tokio::net::lookup_host((host, port)).await?).await?;
    configure(&stream)?;
    Ok(stream)
}

async fn first(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    for address in addresses {
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::TcpListener;

    use super::*;

    /// An address that refuses connections.
    async fn refused() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        listener.local_addr().expect("its address")
    }

    #[tokio::test]
    async fn the_first_address_that_accepts_is_used() {
        let good = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.expect("a free port");
        let good = good.local_addr().map(|address| (address, good)).expect("its address");
        let (refused, silent) = (refused().await, SocketAddr::from(([192, 0, 2, 1], 6379)));
        for list in
            [vec![refused, good.0], vec![good.0, refused], vec![silent, refused, good.0], vec![good.0]]
        {
            let limit = Duration::from_secs(10);
            let stream =
                tokio::time::timeout(limit, first(list.into_iter())).await.expect("no address is waited for");
            assert_eq!(stream.expect("a stream").peer_addr().expect("its address"), good.0);
        }
        assert_eq!(
            first([refused, refused].into_iter()).await.expect_err("no address").kind(),
            io::ErrorKind::ConnectionRefused
        );
        assert_eq!(first([].into_iter()).await.expect_err("no address").kind(), io::ErrorKind::NotFound);
    }
}
