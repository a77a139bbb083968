//! The connections of one link, as one attempt made them.

use redis::{FromRedisValue, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};

use super::connection::Connection;
use super::failure::{Failure, is_old};
use crate::store::redis::config::RedisConfig;

/// Connections that answered when they were made.
pub(super) struct Connections {
    list: Vec<Connection>,
    /// The number of the attempt that made them. Late reports about connections of older attempts are ignored.
    pub(super) epoch: u64,
}

impl Connections {
    /// Connects and checks that the server can serve. `on_closed` is called when one of the connections is closed.
    pub(super) async fn open(
        config: &RedisConfig,
        epoch: u64,
        on_closed: &(impl Fn() + Clone + Send + Sync + 'static),
    ) -> Result<Self, Failure> {
        let open = async {
            match open_all(config, ProtocolVersion::RESP3, on_closed).await {
                Err(error) if is_old(&error) => open_all(config, ProtocolVersion::RESP2, on_closed).await,
                other => other,
            }
        };
        let list = open.await.map_err(|error| Failure::from_redis(&error))?;
        Ok(Self { list, epoch })
    }

    /// Returns `true` if the server says that it is a replica. A proxy may not know, and a user may not be allowed to
    /// ask.
    pub(super) async fn is_replica(&self) -> bool {
        let role = self.pick(0).query::<Vec<Value>>(&redis::cmd("ROLE")).await;
        role.ok().and_then(|role| String::from_redis_value(role.into_iter().next()?).ok()).as_deref()
            == Some("slave")
    }

    /// Records that the connections were given up.
    pub(super) fn end(&self) {
        self.list.iter().for_each(|connection| connection.progress().end());
    }

    /// Returns the connection for a stripe of threads.
    pub(super) fn pick(&self, stripe: usize) -> Connection {
        self.list[stripe % self.list.len()].clone()
    }
}

async fn open_all(
    config: &RedisConfig,
    protocol: ProtocolVersion,
    on_closed: &(impl Fn() + Clone + Send + Sync + 'static),
) -> RedisResult<Vec<Connection>> {
    let mut list = Vec::with_capacity(config.connections.max(1));
    for _ in 0..config.connections.max(1) {
        let on_closed = on_closed.clone();
        let on_push = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                on_closed();
            }
        };
        list.push(Connection::open(config, protocol, on_push).await?);
    }
    Ok(list)
}
