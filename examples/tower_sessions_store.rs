//! A store for the crate `tower-sessions` on the connections of a cache, for applications that have it already. Runs without a server, on
//! `memory://`: `cargo run --example tower_sessions_store --features tower-sessions`
//!
//! Records are stored whole, so that of two requests at the same time the last one wins; `larder::session` writes values one by one.

use std::sync::Arc;

use async_trait::async_trait;
use larder::Cache;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Expiry, Id, Record};
use tower_sessions_core::session_store::{Error, Result};
use tower_sessions_core::{Session, SessionStore};

type AnyError = Box<dyn std::error::Error>;

/// Sessions in a cache. Give it a cache of its own, on a Redis that evicts nothing.
#[derive(Debug, Clone)]
struct CacheStore(Cache);

impl CacheStore {
    fn new(cache: &Cache) -> Self {
        Self(cache.group("sessions"))
    }

    async fn store(&self, record: &Record) -> Result<()> {
        let left = record.expiry_date - OffsetDateTime::now_utc();
        let Ok(left) = std::time::Duration::try_from(left) else { return Ok(()) };
        self.0.set(&key(&record.id), record, left).await.map_err(failed)
    }
}

#[async_trait]
impl SessionStore for CacheStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // An id has 128 random bits: another session has the same one with the chance of guessing it.
        while self.load(&record.id).await?.is_some() {
            record.id = Id::default();
        }
        self.store(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // A request that is slower than a logout does not bring the session back.
        if self.load(&record.id).await?.is_none() {
            return Ok(());
        }
        self.store(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        // An outage is an error, and not the end of all sessions.
        self.0.try_get(&key(id)).await.map_err(failed)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete(&key(id)).await.map(drop).map_err(failed)
    }
}

/// The key of a record: a hash, so that nobody who reads keys has an id.
fn key(id: &Id) -> String {
    blake3::hash(&id.0.to_le_bytes()).to_hex().to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: larder::Error) -> Error {
    Error::Backend(error.to_string())
}

#[tokio::main]
async fn main() -> std::result::Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;
    let store = Arc::new(CacheStore::new(&cache));
    let expiry = Some(Expiry::OnInactivity(Duration::minutes(30)));

    // In a server, `SessionManagerLayer::new(store)` does this for each request.
    let session = Session::new(None, store.clone(), expiry);
    session.insert("cart", vec![7_u64]).await?;
    session.save().await?;
    let id = session.id().ok_or("an id")?;
    println!("stored under {}", key(&id));

    let again = Session::new(Some(id), store.clone(), expiry);
    println!("the next request reads {:?}", again.get::<Vec<u64>>("cart").await?);

    let slow = Session::new(Some(id), store.clone(), expiry);
    slow.insert("cart", vec![7_u64, 8]).await?;
    again.flush().await?;
    slow.save().await?;
    let after = Session::new(Some(id), store, expiry);
    println!("after a logout, beside a slower request: {:?}", after.get::<Vec<u64>>("cart").await?);
    Ok(())
}
