//! The steps of a computation: its lease and its fill, with the first labels in the slot of the entry.

use bytes::Bytes;

use super::arguments::{STAMP_TTL_MS, milliseconds, new_stamps};
use super::decode;
use super::script;
use crate::codec::envelope;
use crate::store::contract::LARGE;
use crate::store::lease::{FillCondition, LEASE, LeaseMode, Leased, Token};
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::key::{Key, Labels};

impl RedisStore {
    /// Takes the lease on `key`, with `beside` of the labels in its slot. The stamps of the others are noted before.
    pub(super) async fn lease_beside(
        &self,
        key: &Key,
        (labels, beside): (Labels<'_>, usize),
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        let noted = match beside == labels.len() {
            true => Vec::new(),
            false => self.note_stamps(&labels.iter().skip(beside).collect::<Vec<_>>()).await?,
        };
        let keys: Vec<&str> = std::iter::once(key.as_str()).chain(labels.iter().take(beside)).collect();
        let command = Command::script(&script::LEASE, &keys)
            .arg(&token.0[..])
            .arg(milliseconds(LEASE))
            .arg(match mode {
                LeaseMode::Miss | LeaseMode::MissUncached(_) => "miss",
                LeaseMode::Refresh => "refresh",
                LeaseMode::Force => "force",
                LeaseMode::Put => "put",
                LeaseMode::Write => "write",
            })
            .arg(seen)
            .arg(&envelope::vacant(key, labels.tags.len())[..])
            .arg(u8::from(labels.group.is_some()))
            .arg(envelope::tag_names(labels.tags))
            .arg(STAMP_TTL_MS)
            .arg(if let LeaseMode::MissUncached(left) = mode { milliseconds(left) } else { 0 })
            .arg(new_stamps(beside))
            .arg(noted.iter().map(|stamp| &stamp[..]).collect::<Vec<_>>());
        let slot = Slot::of(key.as_str());
        let reply = self.send_whole(slot, Request::new("lease", self.nodes.limit(), command)).await?;
        self.known(slot, "lease", decode::leased(reply, labels.len()))
    }

    /// Stores an envelope for `px` milliseconds, with `beside` of the labels in the slot of the entry. The stamps of the others
    /// are compared before.
    pub(super) async fn fill_beside(
        &self,
        key: &Key,
        (labels, beside): (Labels<'_>, usize),
        envelope: Bytes,
        px: Option<u64>,
        claim: FillCondition<'_>,
    ) -> Result<bool, Error> {
        if beside < labels.len() {
            let elsewhere: Vec<&str> = labels.iter().skip(beside).collect();
            if !self.keep_stamps(&elsewhere, &claim.stamps[beside..], px.unwrap_or(0)).await? {
                return Ok(false);
            }
        }
        let keys: Vec<&str> = std::iter::once(key.as_str()).chain(labels.iter().take(beside)).collect();
        let mut command = Command::script(&script::FILL, &keys)
            .arg(claim.token.map_or(&[][..], |token| &token.0[..]))
            .arg(&envelope[..])
            .arg(px.unwrap_or(0));
        for stamp in &claim.stamps[..beside] {
            command = command.arg(&stamp[..]);
        }
        let slot = Slot::of(key.as_str());
        let request = Request::new("fill", self.nodes.limit(), command).large(envelope.len() > LARGE);
        let reply = self.send_whole(slot, request).await;
        self.decoded(slot, "fill", reply)
    }
}
