//! Questions to a server that may speak another protocol than the URL says: its own silence or reset does not tell.

use std::io;
use std::time::Duration;

use super::tcp::connect;

/// A `ClientHello` of a version that no server supports any more: a server with TLS refuses it with an alert.
const OLD_HELLO: &[u8] = b"\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00\
    larder: does this port have TLS?\x00\x00\x02\x00\x05\x01\x00";

/// Returns `true` if the server answers to the protocol of Redis without TLS.
#[cfg(feature = "tls")]
pub(super) async fn speaks_plain(host: &str, port: u16) -> bool {
    matches!(first_byte(host, port, b"PING\r\n").await, Ok(b'+' | b'-'))
}

/// Returns `true` if the server answers to TLS within `limit`.
pub(super) async fn speaks_tls(host: &str, port: u16, limit: Duration) -> bool {
    let answer = tokio::time::timeout(limit, first_byte(host, port, OLD_HELLO)).await;
    // An alert, or a handshake.
    matches!(answer, Ok(Ok(0x15 | 0x16)))
}

async fn first_byte(host: &str, port: u16, question: &[u8]) -> io::Result<u8> {
    let stream = connect(host, port).await?;
    stream.writable().await?;
    // A new connection has room for it.
    stream.try_write(question)?;
    let mut first = [0];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut first) {
            Ok(1..) => return Ok(first[0]),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
