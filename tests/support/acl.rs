//! A server whose user may do no more than `docs/operations.md` lists.

use super::deployment::Deployment;
use super::redis::RedisServer;

/// The page with the lists.
const PAGE: &str = include_str!("../../docs/operations.md");

/// The user of [`AclServer`].
const USER: &str = "larder";
/// The password of all users.
pub const PASSWORD: &str = "acl-password";

/// The rules for the commands that the tests send over a `RedisConnection`.
const APPLICATION: &[&str] = &["+incr"];

/// A server with the user `larder`, who may do what the page lists.
pub struct AclServer {
    /// The server.
    pub redis: RedisServer,
}

impl AclServer {
    /// Starts a server whose user may access all keys, and has the rules of all features.
    ///
    /// # Panics
    /// When Redis refuses the lists of the page.
    pub fn start() -> Self {
        let server = Self { redis: RedisServer::start() };
        server.allow(
            USER,
            &[
                &rules()[..],
                &rate_limit_rules(),
                &revoke_rules(),
                &session_rules(),
                &event_log_rules(),
                APPLICATION,
            ]
            .concat(),
            "~*",
        );
        server
    }

    /// Gives a user these rules and keys, and nothing else, and returns the URL with the user.
    ///
    /// # Panics
    /// When Redis refuses a rule.
    pub fn allow(&self, user: &str, rules: &[&str], keys: &str) -> String {
        allow(&self.redis, user, rules, keys);
        format!("redis://{user}:{PASSWORD}@127.0.0.1:{}", self.redis.port())
    }

    /// The URL with the user.
    pub fn url(&self) -> String {
        format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}", self.redis.port())
    }
}

impl Deployment for AclServer {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.redis.command(args)
    }
}

/// Gives a user of a server these rules and keys, and nothing else.
///
/// # Panics
/// When Redis refuses a rule.
pub fn allow(server: &RedisServer, user: &str, rules: &[&str], keys: &str) {
    let password = format!(">{PASSWORD}");
    let command = ["ACL", "SETUSER", user, "reset", "on", &password, keys, "-@all"];
    assert_eq!(server.command(&[&command[..], rules].concat()), "OK", "{rules:?}");
}

/// The rules of the page that larder needs.
pub fn rules() -> Vec<&'static str> {
    listed("### Needed")
}

/// The rules of the page that are useful beside the needed ones.
pub fn useful_rules() -> Vec<&'static str> {
    listed("### Useful")
}

/// The rules of the page for a user who only counts hits of rate limits.
pub fn rate_limit_rules() -> Vec<&'static str> {
    listed("### Rate limits")
}

/// The rules of the page for a user who only revokes and rotates tokens.
pub fn revoke_rules() -> Vec<&'static str> {
    listed("### Tokens")
}

/// The rules of the page for a user who only has sessions.
pub fn session_rules() -> Vec<&'static str> {
    listed("### Sessions")
}

/// The rules of the page for a user who only publishes events and listens.
pub fn event_log_rules() -> Vec<&'static str> {
    listed("### Event logs")
}

/// The rules in the lists of a section.
fn listed(heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(heading).expect("the section");
    let section = section.split("\n##").next().expect("a section");
    let lists = section.split("```text\n").skip(1).filter_map(|list| list.split("```").next());
    lists.flat_map(str::split_whitespace).collect()
}
