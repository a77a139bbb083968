//! A snapshot: what a call has read of an entry, before anything is decided.

use bytes::Bytes;

use super::turns::Takeover;
use crate::codec::envelope;
use crate::observe::event_kind::Tier;
use crate::store::Token;
use crate::types::stamp::CurrentStamps;

/// The state of an entry as a call has read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// The tick at which the call began: see [`Flights::tick`](super::flight::Flights::tick).
    pub(crate) tick: u64,
    /// The store did not answer, so nothing is known of invalidations by other processes.
    pub(crate) is_blind: bool,
    /// The whole stored value, larder's or foreign; empty where there is none.
    pub(crate) bytes: Bytes,
    /// The place where the value was found.
    pub(crate) tier: Tier,
    /// The use of the stored value, where this call cannot read it.
    pub(crate) unusable: Option<Takeover>,
    /// The stamps of the labels, read at the same moment.
    pub(crate) stamps: CurrentStamps,
}

impl Snapshot {
    /// The part of the value that identifies it.
    pub(crate) fn head(&self) -> &[u8] {
        envelope::head(&self.bytes)
    }

    /// Returns whether the last result was not cached, so that no call waits for another one now.
    pub(crate) fn is_conceded(&self) -> bool {
        envelope::is_vacant(&self.bytes) && self.holder().is_none() && !envelope::has_put(&self.bytes)
    }

    /// Returns whether the stored value is to be left alone: others store what this process cannot use.
    pub(crate) fn belongs_to_others(&self) -> bool {
        matches!(self.unusable, Some(Takeover::Leave | Takeover::Begins(_)))
    }

    /// The holder of the lease that the value carries.
    pub(crate) fn holder(&self) -> Option<Token> {
        envelope::holder(&self.bytes).map(Token)
    }
}
