//! The way of one listener: it subscribes, then reads the log, and then drops what is not newer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::event::{LogEntry, LogStep};
use super::failures::read_failed;
use super::feeds::{Delivery, LogFeeds, Subscription};
use super::history;
use super::settings::Retention;
use super::window::Resume;
use crate::engine::core::Core;
use crate::event_log::event_id::EventId;
use crate::event_log::names::EventName;
use crate::event_log::source_stream::EventSource;
use crate::rt::io;
use crate::types::error::Error;

/// The most entries that are read from a log at once.
const PAGE: usize = 128;
/// The bounds of the pause after a read that failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// A listener of a log.
pub(in crate::event_log) struct LogListener {
    pub(in crate::event_log) core: Arc<Core>,
    pub(in crate::event_log) name: EventName,
    feeds: Arc<LogFeeds>,
    retention: Retention,
    subscription: Subscription,
    phase: ListenPhase,
    /// The id of the last entry that the listener got or need not get.
    last: Option<EventId>,
    /// Entries that were read and not given to the listener yet.
    pending: VecDeque<LogEntry>,
    /// The step before the next entry.
    notice: Option<LogStep>,
    /// The store failed before the listener had a position, so that events may have been missed.
    is_late: bool,
    /// The listener knows from where it goes on.
    has_started: bool,
    pause: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListenPhase {
    /// The log is read.
    Reading,
    /// Entries are received as they are published.
    Live,
}

impl LogListener {
    /// Subscribes to a log, to be resumed after `last`.
    pub(super) fn new(
        core: &Arc<Core>,
        name: EventName,
        feeds: Arc<LogFeeds>,
        retention: Retention,
        last: Option<EventId>,
    ) -> Self {
        let subscription = feeds.join(&name.key, history::slot(core, &name.key));
        Self {
            core: Arc::clone(core),
            name,
            feeds,
            retention,
            subscription,
            phase: ListenPhase::Reading,
            last,
            pending: VecDeque::new(),
            notice: None,
            is_late: false,
            has_started: false,
            pause: PAUSE.0,
        }
    }

    /// Returns the id from which the listener goes on; `None` until it has one.
    pub(super) fn last(&self) -> Option<EventId> {
        self.last
    }

    /// Reads the log for the first time. A failure is made up for later.
    pub(super) async fn join(&mut self) {
        if let Err(error) = self.read().await {
            self.failed(&error);
        }
    }

    /// Reads the next part of the log.
    async fn read(&mut self) -> Result<(), Error> {
        let part = history::read(&self.core, &self.feeds, &self.name.key, self.last, PAGE).await?;
        let end = part.window.end();
        #[cfg(feature = "redis")]
        if self.core.store.is_shared() && self.feeds.read_from(&self.name.key, end) {
            super::reader::follow(&self.core, &self.feeds, history::slot(&self.core, &self.name.key));
        }
        self.pause = PAUSE.0;
        match self.last.map(|last| (last, part.window.resume(last, self.retention))) {
            Some((last, Resume::All)) => {
                if !std::mem::replace(&mut self.has_started, true) {
                    self.notice = Some(LogStep::Started(last));
                }
                let read = part.entries.last().map_or(last, |entry| entry.id);
                if read >= end || part.entries.is_empty() {
                    self.phase = ListenPhase::Live;
                }
                self.pending.extend(part.entries);
            }
            Some((_, Resume::From(end))) => self.start(LogStep::Reset(end), end),
            None if self.is_late => self.start(LogStep::Reset(end), end),
            None => self.start(LogStep::Started(end), end),
        }
        Ok(())
    }

    /// Goes on with what is published after `end`.
    fn start(&mut self, notice: LogStep, end: EventId) {
        (self.has_started, self.last) = (true, Some(end));
        (self.notice, self.phase) = (Some(notice), ListenPhase::Live);
    }

    fn failed(&mut self, error: &Error) {
        self.is_late |= self.last.is_none();
        read_failed(&self.core, error);
    }
}

impl EventSource for LogListener {
    type Item = LogStep;

    async fn next(&mut self) -> Option<LogStep> {
        loop {
            if let Some(notice) = self.notice.take() {
                return Some(notice);
            }
            if let Some(entry) = self.pending.pop_front() {
                self.last = Some(entry.id);
                return Some(LogStep::Entry(entry));
            }
            match self.phase {
                ListenPhase::Reading => {
                    if let Err(error) = self.read().await {
                        if matches!(error, Error::Closed) {
                            return None;
                        }
                        self.failed(&error);
                        io::sleep(self.pause).await;
                        self.pause = (self.pause * 2).min(PAUSE.1);
                    }
                }
                ListenPhase::Live => match self.subscription.receiver.recv().await {
                    Ok(Delivery::Entry(entry)) if self.last.is_some_and(|last| entry.id <= last) => {}
                    Ok(Delivery::Entry(entry)) => {
                        self.last = Some(entry.id);
                        return Some(LogStep::Entry(entry));
                    }
                    #[cfg(feature = "redis")]
                    Ok(Delivery::Check) => self.phase = ListenPhase::Reading,
                    Err(RecvError::Lagged(_)) => self.phase = ListenPhase::Reading,
                    // The feed lives as long as its listeners.
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}
