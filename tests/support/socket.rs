//! A server with a socket in the file system.

use super::deployment::Deployment;
use super::redis::RedisServer;

/// A server with a socket, beside the port that the test uses to inspect the server.
pub struct SocketServer {
    /// The server.
    pub redis: RedisServer,
}

impl SocketServer {
    /// Starts the server.
    pub fn start() -> Self {
        let redis = RedisServer::start_in(|dir| {
            vec!["--unixsocket".to_owned(), dir.join("redis.sock").display().to_string()]
        });
        Self { redis }
    }

    /// The URL of the socket.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.redis.dir().join("redis.sock").display())
    }
}

impl Deployment for SocketServer {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.redis.command(args)
    }
}
