//! The connections of one link, as one attempt made them.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
};

use super::config::RedisConfig;
use super::failure::{Failure, Verdict, is_old, judge};
use super::link::Link;

/// Connections that answered when they were made.
pub(super) struct Conns {
    list: Vec<MultiplexedConnection>,
    /// Which attempt of the link made them: late reports about older ones are not held against these.
    pub(super) epoch: u64,
}

impl Conns {
    /// Connects and checks that the server can serve.
    pub(super) async fn open(config: &RedisConfig, link: &Arc<Link>, epoch: u64) -> Result<Self, Failure> {
        let open = async {
            match Self::dial(config, ProtocolVersion::RESP3, link, epoch).await {
                Err(error) if is_old(&error) => Self::dial(config, ProtocolVersion::RESP2, link, epoch).await,
                other => other,
            }
        };
        let list = open.await.map_err(|error| Failure::from_redis(&error))?;
        Ok(Self { list, epoch })
    }

    /// Whether the server is a replica, as far as it tells: a proxy may not know, and a user may not be allowed to ask.
    pub(super) async fn is_replica(&self) -> bool {
        let role = redis::cmd("ROLE").query_async::<Vec<Value>>(&mut self.pick(0)).await;
        role.ok().and_then(|role| String::from_redis_value(role.into_iter().next()?).ok()).as_deref()
            == Some("slave")
    }

    /// The connection for a place among several.
    pub(super) fn pick(&self, place: usize) -> MultiplexedConnection {
        self.list[place % self.list.len()].clone()
    }

    async fn dial(
        config: &RedisConfig,
        protocol: ProtocolVersion,
        link: &Arc<Link>,
        epoch: u64,
    ) -> Result<Vec<MultiplexedConnection>, RedisError> {
        let client = config.client(protocol)?;
        let mut list = Vec::with_capacity(config.connections.max(1));
        for _ in 0..config.connections.max(1) {
            list.push(open(&client, link_settings(protocol, link, epoch), config).await?);
        }
        Ok(list)
    }
}

/// Opens one connection, gives it its name, and checks that the server can serve.
pub(super) async fn open(
    client: &Client,
    settings: AsyncConnectionConfig,
    config: &RedisConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let mut conn = client.get_multiplexed_async_connection_with_config(&settings).await?;
    if let Some(name) = &config.client_name {
        // It is a courtesy to whoever reads CLIENT LIST; a refusal changes nothing.
        drop(redis::cmd("CLIENT").arg("SETNAME").arg(name).exec_async(&mut conn).await);
    }
    // A server that is loading greets us and then serves nothing. A refused PING is an answer.
    match redis::cmd("PING").exec_async(&mut conn).await {
        Err(error) if judge(&error) == Verdict::Rebuild => Err(error),
        _ => Ok(conn),
    }
}

/// Settings for connections whose deadlines are ours: they also cover what happens before a command is sent.
pub(super) fn settings() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(1024)
}

fn link_settings(protocol: ProtocolVersion, link: &Arc<Link>, epoch: u64) -> AsyncConnectionConfig {
    let settings = settings();
    if !protocol.supports_resp3() {
        return settings;
    }
    let link = Arc::downgrade(link);
    settings.set_push_sender(move |push: PushInfo| {
        if push.kind == PushKind::Disconnection
            && let Some(link) = link.upgrade()
        {
            link.lost(epoch, Failure::unreachable("the connection was closed"));
        }
        Ok::<(), redis::aio::SendError>(())
    })
}
