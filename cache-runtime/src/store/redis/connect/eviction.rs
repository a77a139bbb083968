//! The eviction policy of a server.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use crate::store::redis::config::RedisConfig;

/// Warns once if the server evicts in a way that hurts a cache. A server that does not say how it evicts is not warned of.
pub(super) async fn check_eviction(mut connection: Connection, config: Arc<RedisConfig>) {
    let mut info = redis::cmd("INFO");
    info.arg("memory");
    let limit = config.redis_timeout.max(Duration::from_secs(1));
    let Ok(Ok(info)) = tokio::time::timeout(limit, connection.query::<String>(&info)).await else { return };
    if let Some((policy, effect)) = harmful(&info) {
        let text = format!(
            "redis at {} has a limit of memory and `maxmemory-policy {policy}`: {effect}; set `allkeys-lru` or \
             `allkeys-lfu`, or `volatile-lru` if other programs use the server",
            config.address
        );
        config.warnings.once("maxmemory-policy", &text);
    }
}

/// Returns a policy that hurts and its effect.
fn harmful(info: &str) -> Option<(&str, &'static str)> {
    let field =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    if field("maxmemory")?.parse() == Ok(0_u64) {
        return None;
    }
    let policy = field("maxmemory_policy")?;
    let effect = match policy {
        "noeviction" => "when it is full, nothing is stored, and no group or tag can be invalidated",
        "allkeys-random" | "volatile-random" => {
            "it evicts keys that are in use, and with the stamp of a group or tag all entries under it"
        }
        "volatile-ttl" => {
            "it evicts what expires first, which are the leases of results that are being computed"
        }
        _ => return None,
    };
    Some((policy, effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_without_a_limit_do_not_hurt() {
        let info = |limit: &str, policy: &str| {
            format!(
                "# Memory\r\nused_memory:1\r\nmaxmemory:{limit}\r\nmaxmemory_human:1M\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        for policy in ["noeviction", "allkeys-random", "volatile-random", "volatile-ttl"] {
            assert_eq!(harmful(&info("100", policy)).map(|(policy, _)| policy), Some(policy));
            assert_eq!(harmful(&info("0", policy)), None);
        }
        for policy in ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "another"] {
            assert_eq!(harmful(&info("100", policy)), None);
        }
        assert_eq!(harmful("maxmemory:100"), None);
    }
}
