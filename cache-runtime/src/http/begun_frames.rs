//! The first frames of a body.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Frame;

use super::body_budget::Reservation;

/// The frames of a body that were collected before its client takes them, with the memory that they take.
#[derive(Default)]
pub(super) struct BegunFrames {
    frames: VecDeque<Frame<Bytes>>,
    memory: Option<Arc<Reservation>>,
}

impl BegunFrames {
    /// Frames, and the memory that they and the pieces behind them take until [`BegunFrames::release`].
    pub(super) fn new(frames: VecDeque<Frame<Bytes>>, memory: Arc<Reservation>) -> Self {
        Self { frames, memory: Some(memory) }
    }

    pub(super) fn pop(&mut self) -> Option<Frame<Bytes>> {
        self.frames.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The bytes of data.
    pub(super) fn len(&self) -> u64 {
        self.frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum()
    }

    /// Gives the memory back: the client has everything that was collected.
    pub(super) fn release(&mut self) {
        self.memory = None;
    }
}
