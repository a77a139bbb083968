//! The question to a sentinel, and its reply.

use std::collections::HashMap;

use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, Value};

use super::answers::Answer;
use crate::store::redis::connect::Connection;
use crate::store::redis::url::Address;

/// The reply of a sentinel.
#[derive(Debug)]
pub(super) enum SentinelReply {
    /// The sentinel names a server.
    Named {
        answer: Answer,
        /// The other sentinels that this one knows.
        others: Vec<Address>,
    },
    /// The sentinel does not know the master; these are the names that it knows.
    Unknown(Vec<String>),
}

/// Asks a sentinel for the server with the name `master`.
///
/// # Errors
/// The connection is broken, or the sentinel refuses the question.
pub(super) async fn ask(
    connection: &mut Connection,
    sentinel: &Address,
    master: &str,
) -> RedisResult<SentinelReply> {
    let mut question = redis::pipe();
    // The epoch before the address: in this order an old address never gets a new epoch.
    for name in ["MASTER", "GET-MASTER-ADDR-BY-NAME", "SENTINELS"] {
        question.cmd("SENTINEL").arg(name).arg(master);
    }
    question.cmd("SENTINEL").arg("MYID");
    let replies = connection.send_pipeline(&question, 0, 4).await?;
    let [state, address, others, id] = <[Value; 4]>::try_from(replies)
        .map_err(|_| RedisError::from((ErrorKind::UnexpectedReturnType, "a reply is missing")))?;
    let Some((host, port)) = Option::<(String, u16)>::from_redis_value(address.extract_error()?)? else {
        return Ok(SentinelReply::Unknown(known_masters(connection).await));
    };
    // A user may not run all of them, and older sentinels do not have all.
    let state = fields(state).unwrap_or_default();
    let number =
        |field: &str| state.get(field).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    let id = id.extract_error().ok().and_then(|id| String::from_redis_value(id).ok());
    let others: Vec<Address> = match others {
        Value::Array(others) => {
            others.into_iter().filter_map(fields).filter_map(|fields| announced(&fields)).collect()
        }
        _ => Vec::new(),
    };
    Ok(SentinelReply::Named {
        answer: Answer {
            sentinel: id.unwrap_or_else(|| sentinel.to_string()),
            address: Address::Tcp { host, port },
            epoch: number("config-epoch"),
            sentinels: 1 + others.len().max(number("num-other-sentinels") as usize),
            // Not known from one reply.
            is_anew: false,
        },
        others,
    })
}

/// Returns the names of the masters that a sentinel knows, for an error message.
async fn known_masters(connection: &mut Connection) -> Vec<String> {
    let masters = connection.query::<Vec<Value>>(redis::cmd("SENTINEL").arg("MASTERS")).await;
    let masters = masters.unwrap_or_default().into_iter().filter_map(fields);
    masters.filter_map(|mut fields| fields.remove("name")).collect()
}

fn fields(reply: Value) -> Option<HashMap<String, String>> {
    HashMap::from_redis_value(reply.extract_error().ok()?).ok()
}

/// Returns the address that another sentinel announces.
fn announced(fields: &HashMap<String, String>) -> Option<Address> {
    let host = fields.get("ip").filter(|host| !host.is_empty() && *host != "?")?.clone();
    let port = fields.get("port")?.parse().ok().filter(|port| *port != 0)?;
    Some(Address::Tcp { host, port })
}
