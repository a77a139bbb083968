//! The cached functions of a worker, each with other options; all read the database of the coordinator.

use larder::{Cache, Entry, Error, IgnoreInKey, cache};

use crate::wire::{Broken, Key, Kind, Reading};
use crate::worker::Link;

/// The access to the database for one act.
#[derive(Clone)]
pub struct Source {
    pub link: Link,
    pub cache: Cache,
    /// The act that causes the computation.
    pub act: u64,
}

impl IgnoreInKey for Source {}

impl Source {
    async fn read(&self, kind: Kind, id: u8) -> Result<Reading, Broken> {
        self.link.read(Key { kind, id }, self.act).await
    }
}

#[cache(cache = source.cache, key = "plain:{id}", expire = "20s", entry = plain_entry)]
async fn plain(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Plain, id).await
}

#[cache(cache = source.cache, group = "items", key = "grouped:{id}", expire = "20s", entry = grouped_entry)]
async fn grouped(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Grouped, id).await
}

#[cache(cache = source.cache, tags = ["tagged:{id}", "everyone"], key = "tagged:{id}", expire = "20s", entry = tagged_entry)]
async fn tagged(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Tagged, id).await
}

#[cache(
    cache = source.cache,
    group = "brief",
    tags = ["brief:{id}", "everyone"],
    expire = "60ms",
    jitter = 0.5,
    entry = brief_entry
)]
async fn brief(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Brief, id).await
}

#[cache(
    cache = source.cache,
    tags = ["stale:{id}", "everyone"],
    key = "stale:{id}",
    expire = "200ms",
    stale_while_revalidate = "20s",
    refresh_ahead = 0.5,
    entry = stale_entry
)]
async fn stale(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Stale, id).await
}

#[cache(
    cache = source.cache,
    group = "patient",
    key = "patient:{id}",
    expire = "100ms",
    stale_while_revalidate = "20s",
    stale_if_error = "20s",
    stale_retry = "100ms",
    soft_timeout = "30ms",
    entry = patient_entry
)]
async fn patient(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Patient, id).await
}

#[cache(
    cache = source.cache,
    tags = ["spare:{id}", "everyone"],
    key = "spare:{id}",
    expire = "100ms",
    stale_if_error = "20s",
    stale_retry = "100ms",
    entry = spare_entry
)]
async fn spare(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Spare, id).await
}

#[cache(
    cache = source.cache,
    key = "late:{id}",
    expire = "20s",
    tags_with = |_: &Reading| [format!("late:{id}"), "everyone".to_owned()],
    entry = late_entry
)]
async fn late(source: Source, id: u8) -> Result<Reading, Broken> {
    source.read(Kind::Late, id).await
}

#[cache(cache = source.cache, key = "blocking:{id}", expire = "20s", entry = blocking_entry)]
fn blocking(source: Source, id: u8) -> Result<Reading, Broken> {
    source.link.read_blocking(Key { kind: Kind::Blocking, id }, source.act)
}

/// Calls the function of a key.
pub async fn call(source: Source, Key { kind, id }: Key) -> Result<Reading, Broken> {
    match kind {
        Kind::Plain => plain(source, id).await,
        Kind::Grouped => grouped(source, id).await,
        Kind::Tagged => tagged(source, id).await,
        Kind::Brief => brief(source, id).await,
        Kind::Stale => stale(source, id).await,
        Kind::Patient => patient(source, id).await,
        Kind::Spare => spare(source, id).await,
        Kind::Late => late(source, id).await,
        Kind::Handle => {
            let cache = source.cache.clone();
            cache.try_remember(&text(kind, id), "20s", || async { source.read(kind, id).await }).await
        }
        Kind::Blocking => {
            let call = tokio::task::spawn_blocking(move || blocking(source, id));
            call.await.expect("the function does not panic")
        }
    }
}

/// The entry of a key; `None` for a key of the handle.
pub fn entry(source: Source, Key { kind, id }: Key) -> Option<Entry> {
    Some(match kind {
        Kind::Plain => plain_entry(source, id),
        Kind::Grouped => grouped_entry(source, id),
        Kind::Tagged => tagged_entry(source, id),
        Kind::Brief => brief_entry(source, id),
        Kind::Stale => stale_entry(source, id),
        Kind::Patient => patient_entry(source, id),
        Kind::Spare => spare_entry(source, id),
        Kind::Late => late_entry(source, id),
        Kind::Blocking => blocking_entry(source, id),
        Kind::Handle => return None,
    })
}

/// Stores a version unconditionally.
///
/// # Errors
/// When the version was not stored.
pub async fn put(source: Source, key: Key, reading: Reading) -> Result<(), Error> {
    let cache = source.cache.clone();
    match entry(source, key) {
        Some(entry) => entry.put(&reading).await,
        None => cache.set(&text(key.kind, key.id), &reading, "20s").await,
    }
}

/// The text of a readable key, as the handle takes it.
pub fn text(kind: Kind, id: u8) -> String {
    let name = match kind {
        Kind::Plain => "plain",
        Kind::Grouped => "{items}:grouped",
        Kind::Tagged => "tagged",
        Kind::Stale => "stale",
        Kind::Patient => "{patient}:patient",
        Kind::Spare => "spare",
        Kind::Late => "late",
        Kind::Handle => "handle",
        Kind::Blocking => "blocking",
        Kind::Brief => unreachable!("its key is a hash"),
    };
    format!("{name}:{id}")
}

/// The group of a kind.
pub fn group(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Grouped => Some("items"),
        Kind::Brief => Some("brief"),
        Kind::Patient => Some("patient"),
        _ => None,
    }
}

/// The beginning of the name of a key's own tag.
pub fn tag(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Tagged => Some("tagged"),
        Kind::Brief => Some("brief"),
        Kind::Stale => Some("stale"),
        Kind::Spare => Some("spare"),
        Kind::Late => Some("late"),
        _ => None,
    }
}
