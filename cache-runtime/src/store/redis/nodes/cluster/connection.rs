//! The commands of the application on a cluster.

use std::io;
use std::sync::Arc;

use redis::{Arg, Cmd, Pipeline, RedisError, RedisResult, Value};

use super::nodes::ClusterNodes;
use super::redirect::Redirect;
use crate::store::redis::connect::SharedConnection;
use crate::store::redis::nodes::slot::Slot;
use crate::store::redis::nodes::topology::NodeId;

/// The most redirects of a command that are followed.
const HOPS: usize = 5;

/// The connections to the nodes of a cluster. Each command goes to the node that serves its key.
#[derive(Clone)]
pub(crate) struct ClusterConnection(Arc<ClusterNodes>);

impl ClusterConnection {
    /// Returns the connections to the nodes of a cluster.
    pub(crate) fn new(nodes: &Arc<ClusterNodes>) -> Self {
        Self(Arc::clone(nodes))
    }

    /// Sends a command, and follows redirects.
    pub(crate) async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let node = self.owner(slot(cmd))?;
        let reply = self.open(&node).await?.send(cmd).await.and_then(Value::extract_error);
        self.follow(cmd, node, reply).await
    }

    /// Sends a pipeline: a transaction to one node, all else to the node of each command, in the order of each node.
    pub(crate) async fn send_pipeline(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        if pipeline.is_transaction() {
            return self.send_transaction(pipeline, offset, count).await;
        }
        let commands: Vec<&Cmd> = pipeline.cmd_iter().collect();
        let mut batches: Vec<(NodeId, Vec<usize>)> = Vec::new();
        for (position, cmd) in commands.iter().enumerate() {
            let node = self.owner(slot(cmd))?;
            match batches.iter_mut().find(|(other, _)| *other == node) {
                Some((_, positions)) => positions.push(position),
                None => batches.push((node, vec![position])),
            }
        }
        let mut replies = vec![Value::Nil; commands.len()];
        for (node, positions) in batches {
            let mut batch = Pipeline::with_capacity(positions.len());
            for position in &positions {
                batch.add_command(commands[*position].clone());
            }
            let sent = self.open(&node).await?.send_pipeline(&batch, 0, positions.len()).await?;
            for (position, reply) in positions.into_iter().zip(sent) {
                let cmd = commands[position];
                let reply = match reply {
                    Value::ServerError(_) => self.follow(cmd, node.clone(), reply.extract_error()).await,
                    reply => Ok(reply),
                };
                replies[position] = reply?;
            }
        }
        Ok(replies.into_iter().skip(offset).take(count).collect())
    }

    async fn send_transaction(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let mut node = self.owner(pipeline.cmd_iter().next().map_or(0, slot))?;
        for _ in 0..HOPS {
            let sent = self.open(&node).await?.send_pipeline(pipeline, offset, count).await;
            let Err(error) = &sent else { return sent };
            // The node refused the commands one by one, and then the transaction.
            let refused = error.clone().into_server_errors().and_then(|errors| errors.first().cloned());
            let Some((_, error)) = refused else { return sent };
            match Redirect::of_redis(&error.into(), node.address(), &self.0.cluster.addresses) {
                Some(Redirect::Moved(slot, owner)) => node = self.0.moved(slot, &node, owner),
                _ => return sent,
            }
        }
        Err(too_many())
    }

    /// Follows the redirects of a command.
    async fn follow(&self, cmd: &Cmd, mut node: NodeId, mut reply: RedisResult<Value>) -> RedisResult<Value> {
        for _ in 0..HOPS {
            let Err(error) = &reply else { return reply };
            reply = match Redirect::of_redis(error, node.address(), &self.0.cluster.addresses) {
                Some(Redirect::Moved(slot, owner)) => {
                    node = self.0.moved(slot, &node, owner);
                    self.open(&node).await?.send(cmd).await.and_then(Value::extract_error)
                }
                Some(Redirect::Ask(importer)) => {
                    node = NodeId::new(importer);
                    let mut asking = Pipeline::with_capacity(2);
                    asking.add_command(redis::cmd("ASKING")).add_command(cmd.clone());
                    let replies = self.open(&node).await?.send_pipeline(&asking, 1, 1).await;
                    replies.and_then(|mut replies| replies.pop().unwrap_or(Value::Nil).extract_error())
                }
                Some(Redirect::TryAgain | Redirect::Down) | None => return reply,
            };
        }
        Err(too_many())
    }

    fn owner(&self, slot: u16) -> RedisResult<NodeId> {
        let table = self.0.table();
        // A command without a key, or whose slot nobody serves, goes to any node, which answers.
        let owner = table.owner(slot).map(|(id, _)| id.clone());
        owner.or_else(|| table.topology().primaries().first().cloned()).ok_or_else(unreachable)
    }

    async fn open(&self, id: &NodeId) -> RedisResult<SharedConnection> {
        self.0.get_or_open(id).connection().await.ok_or_else(unreachable)
    }
}

/// Returns the slot of the first key of a command, as far as it can be seen; the node knows better.
fn slot(cmd: &Cmd) -> u16 {
    let argument = |position| match cmd.args_iter().nth(position) {
        Some(Arg::Simple(bytes)) => Some(bytes),
        _ => None,
    };
    let name = argument(0).unwrap_or_default().to_ascii_uppercase();
    let position = match &name[..] {
        b"EVAL" | b"EVALSHA" | b"EVAL_RO" | b"EVALSHA_RO" | b"FCALL" | b"FCALL_RO" => 3,
        b"OBJECT" | b"MEMORY" | b"XGROUP" | b"XINFO" | b"BITOP" => 2,
        b"XREAD" | b"XREADGROUP" => {
            let is_streams = |position: &usize| {
                argument(*position).is_some_and(|arg| arg.eq_ignore_ascii_case(b"STREAMS"))
            };
            (1..cmd.args_iter().count()).find(is_streams).map_or(1, |position| position + 1)
        }
        _ => 1,
    };
    argument(position).map_or(0, |key| Slot::of_bytes(key).number())
}

fn unreachable() -> RedisError {
    io::Error::new(io::ErrorKind::NotConnected, "no node of the cluster that serves the key can be reached")
        .into()
}

fn too_many() -> RedisError {
    io::Error::other("the nodes of the cluster do not agree who serves the key").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_decides() {
        let expected = Slot::of("key").number();
        for command in [
            &["GET", "key"][..],
            &["MSET", "key", "1", "other", "2"],
            &["evalsha", "abc", "1", "key", "argument"],
            &["OBJECT", "ENCODING", "key"],
            &["XREAD", "COUNT", "1", "streams", "key", "0"],
        ] {
            assert_eq!(slot(redis::cmd(command[0]).arg(&command[1..])), expected, "{command:?}");
        }
        assert_eq!(slot(&redis::cmd("PING")), 0);
    }
}
