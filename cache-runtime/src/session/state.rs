//! The session of one request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::commit::{SessionCommit, SessionWishes};
use super::record::{SessionRecord, StoredSession};
use super::session_id::{RecordPlace, SessionId};
use super::settings::SessionSettings;
use crate::http::PersonalMark;
use crate::observe::trace;
use crate::types::error::Error;

/// The session of one request: what its cookie says, what was loaded, and what the handler wishes.
pub(super) struct SessionState {
    pub(super) settings: Arc<SessionSettings>,
    presented: Option<SessionId>,
    /// Tells a cache of responses that the session was read.
    mark: PersonalMark,
    loaded: OnceCell<()>,
    current: Mutex<CurrentSession>,
}

#[derive(Default)]
struct CurrentSession {
    record: Option<SessionRecord>,
    wishes: SessionWishes,
    /// The record was removed by a logout.
    is_removed: bool,
}

/// The effect of a session on a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionEffect {
    /// Nobody asked for the session.
    Untouched,
    /// The response depends on the session.
    Read,
    /// The response has this cookie.
    Cookie(String),
}

impl SessionState {
    /// Returns the state of a request with this id in its cookie.
    pub(super) fn new(
        settings: Arc<SessionSettings>,
        presented: Option<SessionId>,
        mark: PersonalMark,
    ) -> Self {
        Self { settings, presented, mark, loaded: OnceCell::new(), current: Mutex::default() }
    }

    /// Loads the record, at the first call.
    ///
    /// # Errors
    /// The error of the store.
    pub(super) async fn load(&self) -> Result<(), Error> {
        self.mark.set();
        let load = async {
            let record = match &self.presented {
                Some(id) => self.find(id.record()).await?,
                None => None,
            };
            self.current().record = record;
            Ok(())
        };
        self.loaded.get_or_try_init(|| load).await.copied()
    }

    /// Calls `read` with the record.
    pub(super) fn read<T>(&self, read: impl FnOnce(Option<&SessionRecord>, &SessionWishes) -> T) -> T {
        let current = self.current();
        read(current.record.as_ref(), &current.wishes)
    }

    /// Calls `wish` with the wishes.
    pub(super) fn wish(&self, wish: impl FnOnce(&mut SessionWishes)) {
        wish(&mut self.current().wishes);
    }

    /// Removes the record, and what the handler wished before.
    ///
    /// # Errors
    /// The error of the store; the session is there then.
    pub(super) async fn remove(&self) -> Result<(), Error> {
        let place = self.read(|record, _| record.map(|record| record.place.clone()));
        if let Some(place) = place {
            self.settings.store.remove(&place).await?;
        }
        *self.current() = CurrentSession { is_removed: true, ..CurrentSession::default() };
        Ok(())
    }

    /// Stores what the handler wished, now that the status is known.
    ///
    /// # Errors
    /// The error of the store; nothing is to be promised to the client then.
    pub(super) async fn commit(&self, status: u16) -> Result<SessionEffect, Error> {
        if !self.loaded.initialized() {
            return Ok(SessionEffect::Untouched);
        }
        let (commit, is_removed) = {
            let mut current = self.current();
            let wishes = std::mem::take(&mut current.wishes);
            (SessionCommit::of(current.record.as_ref(), wishes, status), current.is_removed)
        };
        let SessionSettings { store, cookie, .. } = &*self.settings;
        let times = self.settings.times();
        match commit {
            SessionCommit::Nothing if is_removed && self.presented.is_some() => {
                Ok(SessionEffect::Cookie(cookie.header("", 0)))
            }
            SessionCommit::Nothing => Ok(SessionEffect::Read),
            SessionCommit::Save(place, changes) => {
                // A record that is gone was ended meanwhile, which a slower request must not undo.
                store.save(&place, &changes, times).await?;
                Ok(SessionEffect::Read)
            }
            SessionCommit::Create { user, span, fields, old } => {
                let id = SessionId::new(user.as_deref())?;
                let place = id.record();
                store.create(&place, (user.as_deref(), span), fields, times).await?;
                if let Some(old) = old
                    && let Err(error) = store.point(&old, &place).await
                {
                    // The old record names no user, or ends with its own time.
                    trace::warn(&format!(
                        "a session was renamed, and its old id is good until it expires: {error}"
                    ));
                }
                Ok(SessionEffect::Cookie(cookie.header(&id.text(), self.settings.max_age())))
            }
        }
    }

    async fn find(&self, place: RecordPlace) -> Result<Option<SessionRecord>, Error> {
        let (store, times) = (&self.settings.store, self.settings.times());
        let (place, stored) = match store.load(&place, times).await? {
            StoredSession::Moved(to) => (to.clone(), store.load(&to, times).await?),
            stored => (place, stored),
        };
        Ok(match stored {
            StoredSession::Record { user, span, fields } => Some(SessionRecord { place, user, span, fields }),
            // A session that was renamed twice is not followed further.
            StoredSession::Moved(_) | StoredSession::Nothing => None,
        })
    }

    fn current(&self) -> MutexGuard<'_, CurrentSession> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
