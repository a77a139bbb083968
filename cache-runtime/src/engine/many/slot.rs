//! The computation of one id of several: it waits for the one of all.

use std::pin::Pin;
use std::task::{self, Poll};

use super::board::{Board, StaleId};
use crate::engine::computation::Computation;
use crate::engine::entry_op::EntryOp;
use crate::engine::follower::Follower;
use crate::engine::refresh::refreshed;
use crate::engine::snapshot::Snapshot;
use crate::site::many_result::EachResult;

/// The computation of one id. The driver of the call polls it when its result is there, so it registers no waker.
pub(super) struct IdSlot<'b, V> {
    pub(super) board: &'b Board<V>,
    pub(super) index: usize,
}

impl<V> Future for IdSlot<'_, V> {
    type Output = EachResult<V>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<EachResult<V>> {
        self.board.ask(self.index).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<V> Computation<V> for IdSlot<'_, V> {
    type Output = EachResult<V>;
    type Running = Self;

    fn can_detach(&self) -> bool {
        self.board.can_detach
    }

    fn inline(self) -> Self {
        self
    }

    fn revalidate(self, op: &EntryOp<'_>, snapshot: Snapshot, _: Option<&V>) -> Option<Follower> {
        match refreshed(op, &snapshot) {
            Ok((leader, follower)) => {
                self.board.refresh(StaleId { index: self.index, leader, snapshot });
                Some(follower)
            }
            Err(follower) => follower,
        }
    }
}
