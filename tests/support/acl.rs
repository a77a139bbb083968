//! A server whose user may do no more than `docs/operations.md` lists.

use super::deployment::Deployment;
use super::redis::RedisServer;

/// The page with the lists.
const PAGE: &str = include_str!("../../docs/operations.md");

/// The password of [`AclServer`]'s user.
const PASSWORD: &str = "acl-password";

/// A server with the user `larder`, who may do what the page lists.
pub struct AclServer {
    /// The server.
    pub redis: RedisServer,
}

impl AclServer {
    /// Starts a server whose user may access all keys.
    ///
    /// # Panics
    /// When Redis refuses the lists of the page.
    pub fn start() -> Self {
        let server = Self { redis: RedisServer::start() };
        server.allow(&rules(), "~*");
        server
    }

    /// Gives the user these rules and keys, and nothing else.
    ///
    /// # Panics
    /// When Redis refuses a rule.
    pub fn allow(&self, rules: &[&str], keys: &str) {
        let password = format!(">{PASSWORD}");
        let user = ["ACL", "SETUSER", "larder", "reset", "on", &password, keys, "-@all"];
        assert_eq!(self.redis.command(&[&user[..], rules].concat()), "OK", "{rules:?}");
    }

    /// The URL with the user.
    pub fn url(&self) -> String {
        format!("redis://larder:{PASSWORD}@127.0.0.1:{}", self.redis.port())
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

/// The rules of all lists of the page.
pub fn rules() -> Vec<&'static str> {
    let (_, section) = PAGE.split_once("## Users of Redis").expect("the section");
    let section = section.split("\n## ").next().expect("a section");
    let lists = section.split("```text\n").skip(1).filter_map(|list| list.split("```").next());
    lists.flat_map(str::split_whitespace).filter(|rule| rule.starts_with('+')).collect()
}
