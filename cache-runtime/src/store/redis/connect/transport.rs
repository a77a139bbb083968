//! The byte stream under a connection.

#[cfg(not(unix))]
use std::io;
use std::sync::Arc;

use redis::RedisResult;
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(unix)]
use tokio::net::UnixStream;

use super::metered_stream::MeteredStream;
use super::progress::Progress;
#[cfg(feature = "tls")]
use super::secure_stream;
use super::tcp::connect;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::url::Address;

/// A stream of bytes in both directions.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// Opens a stream to the address of a node, with TLS if the node has it. A name is resolved for each stream.
///
/// # Errors
/// The last failure, when no address of the name accepts, and a failure of TLS.
pub(super) async fn open(config: &RedisConfig, progress: &Arc<Progress>) -> RedisResult<Box<dyn ByteStream>> {
    match &config.address {
        Address::Tcp { host, port } => {
            let stream = connect(host, *port).await?;
            #[cfg(feature = "tls")]
            if let Some(tls) = &config.tls {
                let stream = secure_stream::open(tls, (host, *port), config, stream, progress).await?;
                return Ok(Box::new(stream));
            }
            Ok(Box::new(MeteredStream::new(stream, Arc::clone(progress))))
        }
        #[cfg(unix)]
        Address::Unix { path } => {
            let stream = UnixStream::connect(path).await?;
            Ok(Box::new(MeteredStream::new(stream, Arc::clone(progress))))
        }
        #[cfg(not(unix))]
        Address::Unix { .. } => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
    }
}
