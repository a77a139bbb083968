//! The Redis server of the benchmarks, and a connection to it without a cache.

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

use crate::{KEYS, User};

/// The URL in this environment variable; `scripts/bench` starts a server and sets them.
pub fn server_url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: scripts/bench starts a server"))
}

/// A multiplexed connection, with the users of all warm keys as JSON under `raw:{id}`.
pub async fn bare_connection(url: &str) -> MultiplexedConnection {
    let info = redis::IntoConnectionInfo::into_connection_info(url).expect("a URL");
    let info = info.set_tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true));
    let client = redis::Client::open(info).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    for id in 0..KEYS {
        let text = serde_json::to_string(&User::new(id)).expect("JSON");
        let () = connection.set(format!("raw:{id}"), text).await.expect("stored");
    }
    connection
}
