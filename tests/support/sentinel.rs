//! A primary, replicas and sentinels as real processes, which end with the test process.

use std::time::{Duration, Instant};

use super::redis::{RedisServer, free_port};
use super::tls::{Authority, Validity};
use super::wait::{eventually, eventually_or};

/// The name of the master in the configuration of the sentinels.
pub const MASTER: &str = "mymaster";

/// The time after which a sentinel takes a silent server for dead, in milliseconds.
const DOWN_AFTER_MS: u32 = 1_000;
/// The time that the parts of a failover may take: a sentinel that a busy machine starved does nothing for 30 seconds.
const LONGEST: Duration = Duration::from_secs(180);
/// The time after which sentinels have given up a failover.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Replication starts at once, and nobody waits for a disk.
const SERVER: [&str; 4] = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];

/// The passwords of a deployment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passwords<'p> {
    /// The password of the servers.
    pub servers: Option<&'p str>,
    /// The password of the sentinels.
    pub sentinels: Option<&'p str>,
}

/// A primary with replicas, watched by sentinels.
pub struct SentinelDeployment {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl SentinelDeployment {
    /// Starts three sentinels, a primary and one replica.
    pub fn start() -> Self {
        Self::start_with(1, Passwords::default())
    }

    /// Starts three sentinels, a primary and replicas.
    pub fn start_with(replicas: usize, passwords: Passwords<'_>) -> Self {
        let login: Vec<&str> = passwords
            .servers
            .map(|password| ["--requirepass", password, "--masterauth", password])
            .into_iter()
            .flatten()
            .collect();
        let args = [&SERVER[..], &login[..]].concat();
        let primary = RedisServer::start_with(&args);
        let port = primary.port().to_string();
        let mut servers = vec![primary];
        for _ in 0..replicas {
            servers
                .push(RedisServer::start_with(&[&args[..], &["--replicaof", "127.0.0.1", &port]].concat()));
        }
        servers[1..].iter().for_each(up_to_date);
        let deployment = Self { sentinels: sentinels(&port, passwords), servers };
        deployment.sentinels.iter().for_each(|sentinel| knows(sentinel, replicas, 2));
        deployment
    }

    /// `redis+sentinel://` with all sentinels.
    pub fn url(&self) -> String {
        let hosts: Vec<String> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// The servers, the first primary first.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The sentinels.
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The port that a sentinel names.
    pub fn named_by(sentinel: &RedisServer) -> Option<u16> {
        let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
        address.lines().nth(1)?.parse().ok()
    }

    /// The ports that the sentinels which run name, each once.
    pub fn named(&self) -> Vec<u16> {
        let running = self.sentinels.iter().filter(|sentinel| sentinel.is_running());
        let mut ports: Vec<u16> = running.filter_map(Self::named_by).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The server that all sentinels name.
    ///
    /// # Panics
    /// When the sentinels do not agree.
    pub fn primary(&self) -> &RedisServer {
        let mut agreed = Vec::new();
        eventually(LONGEST, || {
            agreed = self.named();
            agreed.len() == 1
        });
        self.server(agreed[0])
    }

    /// The server with this port.
    ///
    /// # Panics
    /// When there is none.
    pub fn server(&self, port: u16) -> &RedisServer {
        self.servers.iter().find(|server| server.port() == port).expect("one of the servers")
    }

    /// Waits until a sentinel names another server than the one with this port, and returns that server.
    pub fn switched_from(&self, port: u16) -> &RedisServer {
        let mut new = None;
        let switched = || {
            new = self.named().into_iter().find(|named| *named != port);
            new.is_some()
        };
        eventually_or(LONGEST, switched, || self.logs());
        self.server(new.expect("a port"))
    }

    /// The highest epoch of the configurations that the sentinels have: it grows with every failover.
    pub fn epoch(&self) -> u64 {
        let of = |sentinel: &RedisServer| {
            let state = sentinel.command(&["SENTINEL", "MASTER", MASTER]);
            field(&state, "config-epoch").and_then(|epoch| epoch.parse().ok())
        };
        self.sentinels.iter().filter_map(of).max().unwrap_or_default()
    }

    /// Makes a replica the primary in the primary's place, as an operator does, and returns when a sentinel names it.
    pub fn switch(&self) {
        let primary = self.primary().port();
        let mut asked = None;
        let switched = || {
            if asked.is_none_or(|asked: Instant| asked.elapsed() > ATTEMPT) {
                asked = Some(Instant::now());
                self.failover();
            }
            self.named().into_iter().any(|named| named != primary)
        };
        eventually_or(LONGEST, switched, || self.logs());
    }

    /// Has the sentinels promote a replica, of which the last sentinel and the primary learn nothing, for good: both are cut off from the
    /// others. Returns the old primary and the new one, and the moment at which the others named the new one.
    pub fn partition(&self) -> (&RedisServer, &RedisServer, Instant) {
        let (old, minority) = (self.primary(), self.sentinels.last().expect("a sentinel"));
        // A sentinel learns of a switch from what the others announce, at the servers and to the sentinel itself.
        self.servers.iter().chain([minority]).for_each(|server| set_user(server, &["-publish"]));
        // None of them makes a replica of the primary on the other side.
        set_user(old, &["-slaveof", "-replicaof"]);
        minority.pause();
        old.pause();
        let new = self.switched_from(old.port());
        let named = Instant::now();
        set_user(new, &["-slaveof", "-replicaof"]);
        old.resume();
        minority.resume();
        (old, new, named)
    }

    fn logs(&self) -> String {
        self.sentinels.iter().chain(&self.servers).map(RedisServer::log).collect()
    }

    /// Waits until all sentinels name one server and every other server is its replica, with all its data.
    pub fn until_replicated(&self) {
        let primary = self.primary();
        let replicated = || {
            let others = self.servers.iter().filter(|server| server.port() != primary.port());
            others.map(|server| server.command(&["INFO", "replication"])).all(|replication| {
                replication.contains(&format!("master_port:{}\r", primary.port()))
                    && replication.contains("master_link_status:up")
            })
        };
        eventually_or(LONGEST, replicated, || self.logs());
    }

    /// Makes the sentinels promote a replica while the primary runs. Returns once one of them has begun.
    pub fn failover(&self) {
        // A sentinel refuses while it does not know a replica that can be promoted.
        eventually(LONGEST, || self.sentinels[0].command(&["SENTINEL", "FAILOVER", MASTER]) == "OK");
    }
}

/// A primary, a replica and a sentinel that talk TLS, each with a plain port for the test as well.
pub struct TlsSentinel {
    /// The servers, the first primary first.
    pub servers: Vec<RedisServer>,
    /// The sentinel.
    pub sentinel: RedisServer,
    /// The port of the sentinel for TLS.
    pub port: u16,
    /// The authority of all certificates.
    pub authority: Authority,
}

impl TlsSentinel {
    /// Starts all of them.
    pub fn start() -> Self {
        let authority = Authority::new("larder tests");
        let (mut servers, mut port, mut primary) = (Vec::new(), 0, String::new());
        let fixed = ["--tls-auth-clients", "no", "--tls-replication", "yes"];
        for _ in 0..2 {
            servers.push(RedisServer::start_in(|dir| {
                port = free_port();
                let mut args = authority.equip(dir, port, &["127.0.0.1"], Validity::NOW);
                args.extend([&fixed[..], &SERVER].concat().into_iter().map(str::to_owned));
                if !primary.is_empty() {
                    args.extend(["--replicaof", "127.0.0.1", &primary].map(str::to_owned));
                }
                args
            }));
            if primary.is_empty() {
                primary = port.to_string();
            }
        }
        up_to_date(&servers[1]);
        let sentinel = RedisServer::start_sentinel(&configuration(&primary, 1), |dir| {
            port = free_port();
            let mut args = authority.equip(dir, port, &["127.0.0.1"], Validity::NOW);
            args.extend(fixed.map(str::to_owned));
            args
        });
        knows(&sentinel, 1, 0);
        Self { servers, sentinel, port, authority }
    }
}

/// Changes the rights of the user that everybody is.
pub fn set_user(server: &RedisServer, rights: &[&str]) {
    assert_eq!(server.command(&[&["ACL", "SETUSER", "default"], rights].concat()), "OK");
}

/// Waits until a replica has everything.
fn up_to_date(replica: &RedisServer) {
    eventually(LONGEST, || replica.command(&["INFO", "replication"]).contains("master_link_status:up"));
}

/// Waits until a sentinel knows all replicas and other sentinels.
fn knows(sentinel: &RedisServer, replicas: usize, others: usize) {
    eventually(LONGEST, || {
        let state = sentinel.command(&["SENTINEL", "MASTER", MASTER]);
        field(&state, "num-slaves") == Some(&*replicas.to_string())
            && field(&state, "num-other-sentinels") == Some(&*others.to_string())
            && field(&state, "flags") == Some("master")
    });
}

fn configuration(port: &str, quorum: usize) -> String {
    format!(
        "sentinel monitor {MASTER} 127.0.0.1 {port} {quorum}\n\
         sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {MASTER} 4000\n"
    )
}

fn sentinels(port: &str, passwords: Passwords<'_>) -> Vec<RedisServer> {
    let mut config = configuration(port, 2);
    if let Some(password) = passwords.servers {
        config += &format!("sentinel auth-pass {MASTER} {password}\n");
    }
    let login: Vec<&str> =
        passwords.sentinels.map(|password| ["--requirepass", password]).into_iter().flatten().collect();
    let login = || login.iter().map(|arg| (*arg).to_owned()).collect();
    (0..3).map(|_| RedisServer::start_sentinel(&config, |_| login())).collect()
}

/// The value of a field in a reply that lists names and values in turn.
fn field<'r>(reply: &'r str, name: &str) -> Option<&'r str> {
    let lines: Vec<&str> = reply.lines().collect();
    lines.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}
