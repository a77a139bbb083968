//! The question for the map of the slots.

use std::time::Duration;

use redis::{ProtocolVersion, Value};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::slot_ranges;
use crate::rt::random::random_stamp;
use crate::store::redis::cause::Cause;
use crate::store::redis::config::{ClusterConfig, RedisConfig};
use crate::store::redis::connect::{Connection, Failure};
use crate::store::redis::nodes::topology::{NodeId, Topology};
use crate::types::error::Error;

/// The shortest time between two questions of a process. Processes that lose a cluster at once must not flood what is left.
const SHORTEST: Duration = Duration::from_secs(1);
/// The largest addition to [`SHORTEST`], so that these processes do not ask at once.
const JITTER: Duration = Duration::from_millis(250);
/// The time after which the next of the first nodes is asked as well.
const HEAD_START: Duration = Duration::from_millis(200);
/// The shortest and the longest time limit of a reply.
const REPLY_LIMIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// Asks for the map of the slots, over a connection of its own that stays open.
#[derive(Default)]
pub(super) struct Asker {
    held: Option<(NodeId, Connection)>,
    next: Option<Instant>,
}

/// The reason for which there is no map.
#[derive(Debug, Clone)]
pub(super) enum AskError {
    /// No node replied.
    Failed(Failure),
    /// The user may not ask, or the server does not know the question.
    Refused { node: NodeId, message: String },
    /// The server is not part of a cluster.
    NoCluster { node: NodeId },
    /// The node does not know of any slot.
    NoSlots { node: NodeId },
}

impl Asker {
    /// Waits until the next question may be asked.
    pub(super) async fn until_allowed(&self) {
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
    }

    /// Asks the first nodes, which nothing is known about: each has a head start before the next one is asked as well.
    ///
    /// # Errors
    /// Nobody answered, or the answers tell why there is no map.
    pub(super) async fn ask_first(
        &mut self,
        config: &RedisConfig,
        cluster: &ClusterConfig,
    ) -> Result<(NodeId, Topology), AskError> {
        let (mut questions, mut worst) = (JoinSet::new(), None);
        for seed in &cluster.seeds {
            questions.spawn(question(NodeId::new(seed.clone()), config.clone()));
            if let Ok(Some(Ok((node, reply)))) = timeout(HEAD_START, questions.join_next()).await {
                match self.receive(node, reply, cluster) {
                    Ok(answer) => return Ok(answer),
                    Err(error) => worst = Some(worse(worst, error)),
                }
            }
        }
        while let Some(Ok((node, reply))) = questions.join_next().await {
            match self.receive(node, reply, cluster) {
                Ok(answer) => return Ok(answer),
                Err(error) => worst = Some(worse(worst, error)),
            }
        }
        Err(worst.unwrap_or_else(|| AskError::Failed(Failure::unreachable("no node was asked"))))
    }

    /// Asks nodes in turn until one answers.
    ///
    /// # Errors
    /// Nobody answered, or the answers tell why there is no map.
    pub(super) async fn ask(
        &mut self,
        nodes: &[NodeId],
        config: &RedisConfig,
        cluster: &ClusterConfig,
    ) -> Result<(NodeId, Topology), AskError> {
        let mut worst = None;
        for node in nodes {
            self.until_allowed().await;
            let (node, reply) = match self.held.take_if(|(held, _)| held == node) {
                Some((node, connection)) => {
                    let reply = ask_over(connection, config).await;
                    (node, reply.map_err(|failure| (failure, true)))
                }
                None => question(node.clone(), config.clone()).await,
            };
            match self.receive(node, reply, cluster) {
                Ok(answer) => return Ok(answer),
                Err(error) => worst = Some(worse(worst, error)),
            }
        }
        Err(worst.unwrap_or_else(|| AskError::Failed(Failure::unreachable("no node is known"))))
    }

    /// Returns the node that was asked last, if its connection is still open.
    pub(super) fn held(&self) -> Option<&NodeId> {
        self.held.as_ref().map(|(node, _)| node)
    }

    fn receive(
        &mut self,
        node: NodeId,
        reply: MapAnswer,
        cluster: &ClusterConfig,
    ) -> Result<(NodeId, Topology), AskError> {
        if !matches!(reply, Err((_, false))) {
            let jitter = JITTER.mul_f64(f64::from(random_stamp()[0]) / 256.0);
            self.next = Some(Instant::now() + SHORTEST + jitter);
        }
        let (connection, reply) =
            reply.map_err(|(failure, is_asked)| AskError::of(&node, failure, is_asked))?;
        match slot_ranges::topology(&reply, node.address(), &cluster.addresses) {
            Some(topology) => {
                self.held = Some((node.clone(), connection));
                Ok((node, topology))
            }
            None => Err(AskError::NoSlots { node }),
        }
    }
}

/// The connection and the reply; or a failure, and whether the question was asked at all.
type MapAnswer = Result<(Connection, Value), (Failure, bool)>;

/// Connects to a node and asks it.
async fn question(node: NodeId, config: RedisConfig) -> (NodeId, MapAnswer) {
    let config = RedisConfig { address: node.address().clone(), ..config };
    let opened = timeout(config.connect_timeout, Connection::open(&config, ProtocolVersion::RESP2, |_| {}));
    let answer = match opened.await {
        Ok(Ok(connection)) => ask_over(connection, &config).await.map_err(|failure| (failure, true)),
        Ok(Err(error)) => Err((Failure::from_redis(&error), false)),
        Err(_) => Err((Failure::no_reply(config.connect_timeout), false)),
    };
    (node, answer)
}

async fn ask_over(mut connection: Connection, config: &RedisConfig) -> Result<(Connection, Value), Failure> {
    let limit = config.redis_timeout.clamp(REPLY_LIMIT.0, REPLY_LIMIT.1);
    let slots = redis::cmd("CLUSTER").arg("SLOTS").take();
    match timeout(limit, connection.query::<Value>(&slots)).await {
        Ok(Ok(reply)) => Ok((connection, reply)),
        Ok(Err(error)) => Err(Failure::from_redis(&error)),
        Err(_) => Err(Failure::no_reply(limit)),
    }
}

/// Returns the error that tells more.
fn worse(before: Option<AskError>, error: AskError) -> AskError {
    match before {
        Some(before) if before.weight() >= error.weight() => before,
        _ => error,
    }
}

impl AskError {
    fn of(node: &NodeId, failure: Failure, is_asked: bool) -> Self {
        let node = node.clone();
        if failure.message.contains("cluster support disabled") {
            return Self::NoCluster { node };
        }
        match failure.cause {
            Cause::Refused if is_asked => Self::Refused { node, message: failure.message.to_string() },
            _ => Self::Failed(failure),
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Failed(Failure { cause: Cause::Auth, .. }) => 4,
            Self::NoCluster { .. } => 3,
            Self::Refused { .. } => 2,
            Self::NoSlots { .. } => 1,
            Self::Failed(_) => 0,
        }
    }

    /// Returns the error of start-up, where the answer shows that nothing changes by itself; `None` if it may.
    pub(super) fn fatal(&self) -> Option<Error> {
        match self {
            Self::Failed(Failure { cause: Cause::Auth, message, source }) => {
                Some(Error::Auth { message: message.to_string(), source: source.clone() })
            }
            Self::NoCluster { node } => {
                let reason = format!("the server at {node} is not part of a cluster; write `redis://{node}`");
                Some(Error::config("url", "redis+cluster", reason))
            }
            Self::Refused { node, message } => {
                let message =
                    format!("{node} refuses `cluster slots` ({message}), which larder needs on a cluster");
                Some(Error::Redis { step: "connect", message, source: None })
            }
            Self::NoSlots { .. } | Self::Failed(_) => None,
        }
    }

    /// Returns the reason in one line.
    pub(super) fn message(&self) -> String {
        match (self.fatal(), self) {
            (_, Self::Failed(failure)) => failure.message.to_string(),
            (_, Self::NoSlots { node }) => format!("{node} knows of no slots"),
            (Some(error), _) => error.to_string(),
            (None, _) => String::new(),
        }
    }
}
