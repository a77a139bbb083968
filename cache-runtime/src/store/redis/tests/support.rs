//! Keys, envelopes and operations for the tests of the Redis store.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

use super::server::RedisServer;
use super::wait::eventually;
use crate::codec::StoredForm;
use crate::codec::envelope::{self, HEADER_LEN, MARK, PREFIX_OFFSET, STAMP_OFFSET};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::nodes::SLOTS;
use crate::store::redis::store::RedisStore;
use crate::store::redis::url::{Servers, Target};
use crate::store::settings::StoreSettings;
use crate::store::{FillCondition, LeaseMode, Leased, Store, Token};
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamp;

/// Returns the server that all these tests share; each of them uses keys of its own.
pub(super) fn shared() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(RedisServer::start)
}

/// Returns a server that is a whole cluster: it refuses commands for keys of two slots.
fn cluster() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
        let slots: Vec<String> = (0..SLOTS).map(|slot| slot.to_string()).collect();
        let add: Vec<&str> =
            ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
        assert_eq!(server.command(&add), "OK");
        eventually(LONG, || server.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        server
    })
}

/// Returns a store on one server, and one on a cluster.
pub(super) async fn stores() -> [(&'static RedisServer, RedisStore); 2] {
    let url = format!("redis+cluster://127.0.0.1:{}", cluster().port());
    let settings = StoreSettings { url, redis_timeout: LIMIT, ..StoreSettings::default() };
    let sharded = RedisStore::open(&settings).await.expect("a cluster");
    [(shared(), connect(&shared().url()).await), (cluster(), sharded)]
}

/// Longer than anything that works.
pub(super) const LONG: Duration = Duration::from_secs(30);
pub(super) const LIMIT: Duration = Duration::from_millis(250);
/// Added to a time limit for scheduling on a busy machine.
pub(super) const SLACK: Duration = Duration::from_millis(150);

pub(crate) fn config(url: &str) -> RedisConfig {
    let Ok(Target { servers: Servers::One(address), login, .. }) = Target::parse(url) else {
        panic!("{url}")
    };
    RedisConfig::new(address, login)
}

pub(super) async fn connect(url: &str) -> RedisStore {
    RedisStore::connect(config(url)).await.expect("a store")
}

pub(super) fn plain(text: &str) -> Key {
    Key::new(text.to_owned(), 0, 0)
}

pub(super) fn grouped(group: &str, rest: &str) -> Key {
    Key::new(format!("{group}:{rest}"), group.len(), 0)
}

pub(super) fn envelope(stamp: Stamp) -> Bytes {
    envelope_of(&plain(""), stamp)
}

/// Returns an envelope of the key's prefix.
pub(super) fn envelope_of(key: &Key, stamp: Stamp) -> Bytes {
    let mut bytes = vec![0; HEADER_LEN + 4];
    bytes[PREFIX_OFFSET..PREFIX_OFFSET + 2].copy_from_slice(&key.prefix_len().to_le_bytes());
    bytes[..MARK.len()].copy_from_slice(MARK);
    bytes[STAMP_OFFSET..STAMP_OFFSET + 16].copy_from_slice(&stamp);
    bytes.into()
}

/// Returns a whole envelope with a value.
pub(super) fn sealed(key: &Key, stamp: Stamp) -> Bytes {
    let header = envelope::Header {
        form: StoredForm::Codec(crate::Codec::Json),
        compress: crate::Compress::None,
        none: false,
        created_ms: u64::from(stamp[0]),
        soft_ms: 2,
        hard_ms: 3,
        fingerprint: 4,
        stamp: None,
        identity: 0,
    };
    let name = FunctionName::plain("test");
    envelope::seal(key, header, envelope::StampedLabels::default(), name, Some(&1), 1 << 10)
        .expect("an envelope")
}

pub(super) fn runtime(threads: usize) -> Runtime {
    match threads {
        0 => Builder::new_current_thread().enable_all().build(),
        n => Builder::new_multi_thread().worker_threads(n).enable_all().build(),
    }
    .expect("a runtime")
}

/// Operations with the labels of the key.
impl RedisStore {
    pub(super) async fn find(&self, key: &Key) -> Result<FoundOne, Error> {
        let found = self.read(key, labels(key)).await?;
        Ok(FoundOne { bytes: found.bytes, stamp: found.stamps.first().copied().flatten() })
    }

    pub(super) async fn stamp_of(&self, group: &Label) -> Result<Stamp, Error> {
        let labels = Labels { group: Some(group.as_str()), tags: &[] };
        let token = Token::new(Token::new_owner());
        match self.lease(&plain("unused"), labels, &token, LeaseMode::Put, &[]).await? {
            Leased::Granted(stamps) => Ok(stamps[0]),
            refused => panic!("{refused:?}"),
        }
    }

    pub(super) async fn put(
        &self,
        key: &Key,
        bytes: Bytes,
        ttl: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> Result<bool, Error> {
        let group = key.group().filter(|_| stamp.is_some());
        self.fill(
            key,
            Labels { group, tags: &[] },
            bytes,
            ttl,
            FillCondition { token: None, stamps: stamp.as_slice(), keeps_write: false },
        )
        .await
    }
}

pub(super) struct FoundOne {
    pub(super) bytes: Option<Bytes>,
    pub(super) stamp: Option<Stamp>,
}

pub(super) fn labels(key: &Key) -> Labels<'_> {
    Labels { group: key.group(), tags: &[] }
}

pub(super) async fn answers(redis: &RedisStore) -> bool {
    redis.find(&plain("nothing")).await.is_ok()
}
