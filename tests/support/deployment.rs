//! The deployment of Redis that all tests of a binary share.

use std::sync::{Arc, OnceLock};

use super::acl::AclServer;
use super::cluster::RedisCluster;
use super::redis::RedisServer;
use super::sentinel::{Passwords, SentinelDeployment};
use super::socket::SocketServer;
use super::tls::{MutualServer, TlsServer};

/// Names the deployment, one of [`DEPLOYMENTS`].
const DEPLOYMENT: &str = "LARDER_TEST_DEPLOYMENT";

/// Starts a deployment.
type Start = fn() -> Box<dyn Deployment>;

/// The deployments that [`shared`] can start, and their functions.
const DEPLOYMENTS: &[(&str, Start)] = &[
    ("standalone", || Box::new(RedisServer::start())),
    ("acl", || Box::new(AclServer::start())),
    ("cluster", || Box::new(RedisCluster::start())),
    ("mtls", || Box::new(MutualServer(TlsServer::start_mutual()))),
    ("sentinel", || Box::new(SentinelDeployment::start_with(2, Passwords::default()))),
    ("socket", || Box::new(SocketServer::start())),
    ("tls", || Box::new(TlsServer::start())),
];

/// A running deployment of Redis.
pub trait Deployment: Send + Sync {
    /// The URL for larder.
    fn url(&self) -> String;

    /// Runs a command where its key lives, and returns the reply as text, as redis-cli does; an error of Redis is returned
    /// as text, too.
    fn command(&self, args: &[&str]) -> String;
}

/// The deployment that all tests of a binary share; each test uses keys of its own. `LARDER_TEST_DEPLOYMENT` names it, and
/// without it this is a standalone server.
///
/// # Panics
/// When there is no deployment of that name.
pub fn shared() -> &'static dyn Deployment {
    static SHARED: OnceLock<Box<dyn Deployment>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let name = std::env::var(DEPLOYMENT).unwrap_or_else(|_| "standalone".to_owned());
        let start = DEPLOYMENTS.iter().find(|(known, _)| *known == name).map(|(_, start)| start);
        start.unwrap_or_else(|| panic!("{DEPLOYMENT} names no deployment: {name}"))()
    });
    &**shared
}

impl Deployment for RedisServer {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.command(args)
    }
}

impl Deployment for SentinelDeployment {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.primary().command(args)
    }
}

impl<D: Deployment + ?Sized> Deployment for Arc<D> {
    fn url(&self) -> String {
        (**self).url()
    }

    fn command(&self, args: &[&str]) -> String {
        (**self).command(args)
    }
}
