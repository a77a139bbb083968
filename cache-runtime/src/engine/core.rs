//! The core: everything that all clones of a cache share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::abandoned::AbandonedWrites;
#[cfg(feature = "companions")]
use super::companions::Companions;
use super::flight::Flights;
use super::held_leases::HeldLeases;
use super::key_sizes::KeySizes;
use super::known_tags::KnownTags;
use super::outage::OutageFallback;
use super::pending::PendingInvalidations;
use super::reclaim_queue::GroupReclaim;
use super::turns::Turns;
use super::unreadable::UnreadableValues;
use crate::observe::stats::Registry;
use crate::observe::trace;
use crate::observe::warnings::Warnings;
use crate::rt::background::Background;
use crate::store::{CacheStore, NearCache, Token};
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::key::{Key, Label};

/// The reason for which a cache is not used after a fork.
const FORKED: &str = "this process was forked from the one that opened the cache";
/// A key text longer than this is cut and ends in its hash.
const MAX_KEY: usize = 1024;
/// The same for the name of a group.
const MAX_GROUP: usize = 256;

/// The state that all clones of a cache share.
pub struct Core {
    /// Unique in this process, dropped caches included.
    pub(crate) id: u64,
    pub(crate) prefix: String,
    /// The names of the settings that tell two caches apart, each with a hash of its value.
    pub(crate) setting_hashes: Vec<(&'static str, u64)>,
    /// False if nothing is read or stored.
    pub(crate) is_enabled: bool,
    pub(crate) store: CacheStore,
    pub(crate) clock: Clock,
    pub(crate) default_expire: Expire,
    pub(crate) ignored: Vec<&'static str>,
    pub(crate) max_value: usize,
    pub(crate) max_wait: Duration,
    pub(crate) response_header: String,
    /// `response_header` as a header name.
    #[cfg(feature = "http")]
    pub(crate) status_field: ::http::HeaderName,
    /// The memory for bodies on their way into the cache and to clients.
    #[cfg(feature = "http")]
    pub(crate) body_budget: Arc<crate::http::BodyBudget>,
    /// The cached bodies on their way to clients.
    #[cfg(feature = "http")]
    pub(crate) sent_bodies: Arc<crate::http::SentBodies>,
    /// The headers and cookies that identify the client of a request.
    #[cfg(feature = "http")]
    pub(crate) credentials: crate::http::CredentialRules,
    /// The hosts of the URLs that are cached.
    #[cfg(feature = "http")]
    pub(crate) known_hosts: crate::http::KnownHosts,
    /// The effect of `no-cache` in a request.
    #[cfg(feature = "http")]
    pub(crate) no_cache: crate::http::NoCache,
    /// The time that clients are told to use a response.
    #[cfg(feature = "http")]
    pub(crate) client_max_age: Option<Duration>,
    pub(crate) near: NearCache,
    pub(crate) flights: Arc<Flights>,
    /// The first half of the tokens of this cache's leases.
    pub(crate) owner: [u8; Token::OWNER],
    pub(crate) held_leases: HeldLeases,
    pub(crate) pending: PendingInvalidations,
    pub(crate) abandoned: AbandonedWrites,
    pub(crate) reclaim: GroupReclaim,
    pub(crate) outage: OutageFallback,
    pub(crate) unreadable: UnreadableValues,
    pub(crate) turns: Turns,
    pub(crate) stats: Arc<Registry>,
    pub(crate) warnings: Arc<Warnings>,
    pub(crate) key_sizes: KeySizes,
    pub(crate) late_tags: KnownTags,
    pub(crate) background: Background,
    /// The states of what stands around the cache.
    #[cfg(feature = "companions")]
    pub(crate) companions: Companions,
    pub(crate) closed: AtomicBool,
    /// The process that opened the cache.
    pub(crate) process: u32,
}

impl Core {
    /// An id for a new cache.
    pub(crate) fn next_id() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, SeqCst)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Returns an error if the cache is closed, or was opened by another process with a store that needs threads.
    ///
    /// # Errors
    /// [`Error::Closed`], or [`Error::Unavailable`] in a forked process.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.is_closed() || (self.store.is_shared() && self.is_foreign()) {
            return Err(if self.is_foreign() { Error::unavailable(FORKED) } else { Error::Closed });
        }
        Ok(())
    }

    /// Returns whether another process opened the cache: this one was forked from it and has none of the threads that
    /// connect, extend leases and end waits. The first call that finds out closes the cache here and warns.
    pub(crate) fn is_foreign(&self) -> bool {
        let is_foreign = self.process != std::process::id();
        if is_foreign && !self.closed.swap(true, SeqCst) {
            trace::warn(&format!(
                "{FORKED}; cached functions run uncached here. Open the cache after the fork"
            ));
        }
        is_foreign
    }

    /// The whole key of `body`, whose pieces are relative to prefix and group. A body that names a group itself,
    /// `{items}:1`, is in that group, so that what [`Cache::keys`] lists can be given back.
    pub(crate) fn key(&self, group: Option<&str>, body: &[&str]) -> Key {
        let len = body.iter().map(|piece| piece.len()).sum::<usize>();
        let mut text =
            String::with_capacity(self.prefix.len() + group.map_or(0, |group| group.len() + 3) + len);
        text.push_str(&self.prefix);
        let mut group_end = 0;
        if let Some(group) = group {
            text.extend(["{", group, "}"]);
            group_end = text.len();
            text.push(':');
        }
        let start = text.len();
        body.iter().for_each(|piece| text.push_str(piece));
        if group.is_none() && text.as_bytes().get(start) == Some(&b'{') {
            group_end = text[start..].find("}:").map_or(0, |end| start + end + 1);
        }
        if text.len() > MAX_KEY {
            // Group names are bounded, so a group is cut only where it was written into a key explicitly.
            group_end = if group_end < MAX_KEY / 2 { group_end } else { 0 };
            shorten(&mut text, MAX_KEY);
        }
        Key::new(text, group_end, self.prefix.len())
    }

    /// The label of a group.
    pub(crate) fn group(&self, name: &str) -> Label {
        Label::new([&self.prefix, "{", &label_text(name), "}"].concat())
    }

    /// The label of a tag.
    pub(crate) fn tag(&self, name: &str) -> Label {
        Label::tag(&self.prefix, &label_text(name))
    }

    /// Returns whether a whole key holds the stamp of a label rather than an entry.
    pub(crate) fn is_stamp(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_prefix('{'))
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(|rest| !rest.contains("}:"))
    }
}

/// The name of a group or a tag as keys hold it: braces would end the hash tag, and it is bounded.
pub(crate) fn label_text(name: &str) -> String {
    let mut text = match name.contains(['{', '}']) {
        true => name.replace('{', "%7B").replace('}', "%7D"),
        false => name.to_owned(),
    };
    if text.len() > MAX_GROUP {
        shorten(&mut text, MAX_GROUP);
    }
    text
}

/// Cuts a text to `limit` bytes that end in its hash.
fn shorten(text: &mut String, limit: usize) {
    let hash = blake3::hash(text.as_bytes());
    let mut cut = limit - 33;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text.truncate(cut);
    text.push('~');
    text.push_str(&hash.to_hex()[..32]);
}
