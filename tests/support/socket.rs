//! A server with a socket in the file system.

use super::redis::RedisServer;

/// Starts a server with a socket, and returns the server and the URL of the socket.
pub fn socket_server() -> (RedisServer, String) {
    let server = RedisServer::start_in(|dir| {
        vec!["--unixsocket".to_owned(), dir.join("redis.sock").display().to_string()]
    });
    let url = format!("redis+unix://{}", server.dir().join("redis.sock").display());
    (server, url)
}
