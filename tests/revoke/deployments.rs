//! Deployments of Redis: clusters, users with few rights, and what stands in the database.

use larder::Cache;
use larder::revoke::{RefreshTokens, Revocations, Rotation};
use support::acl::{AclServer, revoke_rules};
use support::cluster::RedisCluster;
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{on, unique};

use crate::{accepts, now};

#[tokio::test]
async fn a_cluster_spreads_users_over_its_nodes() {
    let cluster = RedisCluster::start();
    let cache = on(&cluster).require_redis(true).build().await.expect("a cache");
    let (revocations, refresh) = (Revocations::new(&cache), RefreshTokens::new(&cache, [7; 32]));
    for user in 0..50 {
        let (user, token) = (format!("user-{user}"), format!("token-{user}"));
        let generation = revocations.generation(&user).await.expect("a generation");
        revocations.check(&user, &token, generation).await.expect("accepted");
        revocations.revoke(&token, now() + 60).await.expect("revoked");
        assert!(revocations.check(&user, &token, generation).await.expect_err("revoked").is_revoked());
        let first = refresh.begin(&user).await.expect("a token");
        let next = refresh.rotate(&first).await.expect("an answer").token().expect("a token");
        revocations.bump(&user).await.expect("a generation");
        assert_eq!(refresh.rotate(&next).await.expect("an answer"), Rotation::Unknown);
    }
    for node in cluster.nodes().iter().filter(|node| node.command(&["ROLE"]).starts_with("master")) {
        assert_ne!(node.command(&["DBSIZE"]), "0");
    }
}

/// Neither the ids of tokens nor refresh tokens; every key has a life; `clear` leaves all of it alone.
#[tokio::test]
async fn nothing_in_the_database_can_be_used_as_a_token() {
    let server = RedisServer::start();
    let cache = on(&server).prefix("t").require_redis(true).build().await.expect("a cache");
    let (revocations, refresh) = (Revocations::new(&cache), RefreshTokens::new(&cache, [7; 32]));
    let generation = revocations.generation("ada").await.expect("a generation");
    let jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
    revocations.revoke("secret-jti", now() + 60).await.expect("revoked");
    revocations.revoke(jwt, now() + 60).await.expect("revoked");
    let first = refresh.begin("ada").await.expect("a token");
    let next = refresh.rotate(&first).await.expect("an answer").token().expect("a token");
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 4, "{keys}");
    for key in keys.lines() {
        let value = match server.command(&["TYPE", key]).as_str() {
            "hash" => server.command(&["HGETALL", key]),
            _ => server.command(&["GET", key]),
        };
        let text = format!("{key} {value}");
        for token in [jwt, "secret-jti", &first, &next] {
            let secrets = token.split('.').filter(|part| part.len() == token.len() || part.len() > 20);
            for secret in secrets.skip(usize::from(token.contains('.') && token.len() > 100)) {
                assert!(!text.contains(secret), "{text}");
            }
        }
        let life: i64 = server.command(&["PTTL", key]).parse().expect("a number");
        assert!(life > 0, "{key}");
    }
    cache.clear().await.expect("cleared");
    assert_eq!(server.command(&["DBSIZE"]), "4");
    assert!(!accepts(&revocations, "secret-jti", generation).await.expect("known"));
    assert!(accepts(&revocations, "other", generation).await.expect("known"));
}

/// The life of a revocation is the token's and the leeway, whatever the time zone of the process is.
#[tokio::test]
async fn a_revocation_takes_memory_until_the_token_ends() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    Revocations::new(&cache).leeway("60s").revoke("1", now() + 100).await.expect("revoked");
    let key = server.command(&["KEYS", "*"]);
    let life: u64 = server.command(&["PTTL", &key]).parse().expect("a number");
    assert!((150_000..=160_000).contains(&life), "{life}");
}

#[tokio::test]
async fn a_user_with_the_rules_of_the_page_can_revoke() {
    if !support::isolated!() {
        return;
    }
    let (server, log, prefix) = (AclServer::start(), Log::of_process(), unique("acl"));
    let all = revoke_rules();
    let every_call = async |cache: &Cache| -> Result<(), Box<dyn std::error::Error>> {
        let (revocations, refresh) = (Revocations::new(cache), RefreshTokens::new(cache, [7; 32]));
        let generation = revocations.generation(unique("ada")).await?;
        revocations.revoke("1", now() + 60).await?;
        revocations.clone().keep("500d").generation("ada").await?;
        let generation = revocations.bump("ada").await?.max(generation);
        // A longer life than before.
        revocations.clone().keep("600d").generation("ada").await?;
        revocations.check("ada", "2", generation).await?;
        let token = refresh.begin("ada").await?;
        let next = refresh.rotate(&token).await?.token().ok_or("a token")?;
        refresh.end(&next).await?;
        Ok(())
    };
    let url = server.allow("tokens", &all, &format!("~{prefix}:*"));
    let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    every_call(&cache).await.expect("all calls");
    assert_eq!(log.take(), Vec::<String>::new());
    // Each command is needed, and named when it is missing.
    for rule in all.iter().filter(|rule| !["+evalsha", "+script|load"].contains(rule)) {
        let fewer: Vec<&str> = all.iter().copied().filter(|other| other != rule).collect();
        let url = server.allow(&unique("user"), &fewer, &format!("~{prefix}:*"));
        let cache = on(&server).url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
        every_call(&cache).await.expect_err(rule);
        let (warnings, name) = (log.take(), rule.trim_start_matches('+'));
        assert!(
            warnings.iter().any(|warning| warning.contains(&format!("`{name}`"))),
            "{rule}: {warnings:?}"
        );
    }
}
