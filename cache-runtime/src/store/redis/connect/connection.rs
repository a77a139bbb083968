//! One multiplexed connection: the only file that names the connection type of the client library.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo,
    Pipeline, ProtocolVersion, PushInfo, RedisConnectionInfo, RedisResult, ServerErrorKind, Value,
};

use super::command::Command;
use super::failure::{Diagnosis, diagnose};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::url::Address;

/// One multiplexed connection to a node. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection(MultiplexedConnection);

impl Connection {
    /// Opens a connection, sets its name, and checks that the server can serve. With RESP3, `on_push` receives the
    /// messages that the server pushes; it is dropped with the task that reads from the connection.
    pub(crate) async fn open(
        config: &RedisConfig,
        protocol: ProtocolVersion,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Self> {
        // No time limits of the client library: larder's own also cover the time before a command is sent.
        let mut settings = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(1024);
        if protocol.supports_resp3() {
            settings = settings.set_push_sender(move |push: PushInfo| {
                on_push(push);
                Ok::<(), SendError>(())
            });
        }
        let client = client(config, protocol)?;
        let mut connection = Self(client.get_multiplexed_async_connection_with_config(&settings).await?);
        if let Some(name) = &config.client_name {
            // The name is for readers of `CLIENT LIST` only, so that a refusal does not matter.
            drop(connection.query::<()>(redis::cmd("CLIENT").arg("SETNAME").arg(name)).await);
        }
        connection.ping().await?;
        Ok(connection)
    }

    /// Checks that the server can serve: a server that is loading accepts connections and refuses commands. Any other
    /// refusal of the `PING` counts as an answer.
    pub(crate) async fn ping(&mut self) -> RedisResult<()> {
        match self.query::<()>(&redis::cmd("PING")).await {
            Err(error) if diagnose(&error) == Diagnosis::Broken => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends a command. A script that the server does not know, after a restart or a flush, is loaded first.
    pub(super) async fn send(&mut self, command: &Command) -> RedisResult<Value> {
        // `query_async` would box this.
        let reply = self.0.send_packed_command(&command.cmd).await.and_then(Value::extract_error);
        match (reply, command.script) {
            (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                script.load_async(&mut self.0).await?;
                command.cmd.query_async(&mut self.0).await
            }
            (reply, _) => reply,
        }
    }

    /// Sends a command and decodes the reply.
    pub(crate) async fn query<T: FromRedisValue>(&mut self, cmd: &Cmd) -> RedisResult<T> {
        cmd.query_async(&mut self.0).await
    }

    /// Sends a pipeline; fails if any of its commands does.
    pub(crate) async fn exec(&mut self, pipeline: &Pipeline) -> RedisResult<()> {
        pipeline.exec_async(&mut self.0).await
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(super) fn send_pipeline<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> impl Future<Output = RedisResult<Vec<Value>>> + Send + use<'a> {
        self.0.send_packed_commands(pipeline, offset, count)
    }

    /// Sends a command and returns the raw reply, which may be an error.
    #[cfg(feature = "axum")]
    pub(super) fn send_raw<'a>(
        &'a mut self,
        cmd: &'a Cmd,
    ) -> impl Future<Output = RedisResult<Value>> + Send + use<'a> {
        self.0.send_packed_command(cmd)
    }

    /// Returns the number of the database.
    #[cfg(feature = "axum")]
    pub(super) fn db(&self) -> i64 {
        redis::aio::ConnectionLike::get_db(&self.0)
    }
}

/// Returns a client, which resolves names for each connection that it opens.
fn client(config: &RedisConfig, protocol: ProtocolVersion) -> RedisResult<Client> {
    let endpoint = &config.endpoint;
    let address = match &endpoint.address {
        Address::Tcp { host, port } => ConnectionAddr::Tcp(host.clone(), *port),
        Address::Unix { path } => ConnectionAddr::Unix(path.clone()),
    };
    // Without TCP_NODELAY the writes of concurrent calls wait for the acknowledgement of earlier ones.
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(
        TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5)),
    );
    // With RESP3 a dropped connection is reported when it happens, with RESP2 only at the next use.
    let mut settings = RedisConnectionInfo::default()
        .set_db(endpoint.db)
        .set_protocol(protocol)
        .set_lib_name("larder", env!("CARGO_PKG_VERSION"));
    if let Some(user) = &endpoint.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &endpoint.password {
        settings = settings.set_password(password);
    }
    Client::open(address.into_connection_info()?.set_tcp_settings(tcp).set_redis_settings(settings))
}
