//! Sessions in the memory of this process. `script` has the same rules in Redis.

use std::collections::HashMap;

use super::record::{FieldChanges, ListedTimes, SessionFields, SessionSpan, SessionTimes, StoredSession};
use super::session_id::RecordPlace;

/// The smallest number of records at which those that have ended are removed.
const FEW: usize = 1_024;

/// All sessions. All moments are microseconds.
#[derive(Debug, Default)]
pub(super) struct SessionLedger {
    slots: HashMap<RecordPlace, (LedgerSlot, u64)>,
    /// The stamps of users, by the places of their records: the sessions of other stamps have ended.
    stamps: HashMap<String, (u64, u64)>,
    full: usize,
}

#[derive(Debug)]
enum LedgerSlot {
    Session { began: u64, end: u64, seen: u64, owner: Option<(String, u64)>, fields: SessionFields },
    Moved(RecordPlace),
}

impl SessionLedger {
    /// Returns what is in a place, and moves the idle end of a record.
    pub(super) fn load(&mut self, place: &RecordPlace, times: SessionTimes, now: u64) -> StoredSession {
        let stamp = self.stamp(&place.place, now);
        let Some((slot, ends)) = self.slots.get_mut(place).filter(|(_, ends)| now < *ends) else {
            return StoredSession::Nothing;
        };
        match slot {
            LedgerSlot::Moved(to) => StoredSession::Moved(to.clone()),
            LedgerSlot::Session { owner: Some((_, of)), .. } if stamp != Some(*of) => {
                self.slots.remove(place);
                StoredSession::Nothing
            }
            LedgerSlot::Session { began, end, seen, owner, fields } => {
                let until = now + times.life(*end, now);
                if until >= *ends + times.step() {
                    (*ends, *seen) = (until, now);
                }
                let user = owner.as_ref().map(|(user, _)| user.clone());
                let span = SessionSpan { began: *began, end: *end };
                StoredSession::Record { user, span, fields: fields.clone() }
            }
        }
    }

    /// Changes fields of a record, if it is there still.
    pub(super) fn save(
        &mut self,
        place: &RecordPlace,
        changes: &FieldChanges,
        times: SessionTimes,
        now: u64,
    ) -> bool {
        let found = self.slots.get_mut(place).filter(|(_, ends)| now < *ends);
        let Some((LedgerSlot::Session { end, seen, fields, .. }, ends)) = found else { return false };
        for (name, value) in changes {
            match value {
                Some(value) => fields.insert(name.clone(), value.clone()),
                None => fields.remove(name),
            };
        }
        (*ends, *seen) = (now + times.life(*end, now), now);
        true
    }

    /// Creates a record.
    pub(super) fn create(
        &mut self,
        place: RecordPlace,
        user: Option<&str>,
        span: Option<SessionSpan>,
        fields: SessionFields,
        times: SessionTimes,
        now: u64,
    ) {
        let owner = user.map(|user| (user.to_owned(), self.stamped(&place.place, false, times, now)));
        let anew = SessionSpan { began: now, end: now.saturating_add(times.absolute) };
        let SessionSpan { began, end } = span.unwrap_or(anew);
        let slot = LedgerSlot::Session { began, end, seen: now, owner, fields };
        self.insert(place, slot, now + times.life(end, now), now);
    }

    /// Leads from a record to another place for a while.
    pub(super) fn point(&mut self, from: &RecordPlace, to: RecordPlace, time: u64, now: u64) {
        if self.slots.get(from).is_some_and(|(_, ends)| now < *ends) {
            self.insert(from.clone(), LedgerSlot::Moved(to), now.saturating_add(time), now);
        }
    }

    /// Removes a record.
    pub(super) fn remove(&mut self, place: &RecordPlace) {
        self.slots.remove(place);
    }

    /// Returns the sessions of a user.
    pub(super) fn list(&self, place: &str, now: u64) -> Vec<(RecordPlace, ListedTimes)> {
        let stamp = self.stamp(place, now);
        let live = self.slots.iter().filter(|(at, (_, ends))| at.place == place && now < *ends);
        live.filter_map(|(at, (slot, _))| match slot {
            LedgerSlot::Session { began, seen, owner: Some((_, of)), .. } if stamp == Some(*of) => {
                Some((at.clone(), ListedTimes { began: *began, seen: *seen }))
            }
            _ => None,
        })
        .collect()
    }

    /// Ends all sessions of a user.
    pub(super) fn revoke_all(&mut self, place: &str, times: SessionTimes, now: u64) {
        self.stamped(place, true, times, now);
    }

    fn stamp(&self, place: &str, now: u64) -> Option<u64> {
        self.stamps.get(place).filter(|(_, end)| now < *end).map(|(stamp, _)| *stamp)
    }

    /// Returns the stamp of a user, or a new one. It is kept until the last of the user's sessions has ended.
    fn stamped(&mut self, place: &str, is_new: bool, times: SessionTimes, now: u64) -> u64 {
        let held = self.stamp(place, now);
        let stamp = match held {
            Some(held) if is_new => now.max(held + 1),
            held => held.unwrap_or(now),
        };
        let end =
            self.stamps.get(place).map_or(0, |(_, end)| *end).max(now.saturating_add(2 * times.absolute));
        self.stamps.insert(place.to_owned(), (stamp, end));
        stamp
    }

    fn insert(&mut self, place: RecordPlace, slot: LedgerSlot, ends: u64, now: u64) {
        if self.slots.len() >= self.full.max(FEW) {
            self.slots.retain(|_, (_, ends)| now < *ends);
            self.stamps.retain(|_, (_, end)| now < *end);
            self.full = self.slots.len() * 2;
        }
        self.slots.insert(place, (slot, ends));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: SessionTimes = SessionTimes { idle: 100, absolute: 1_000 };

    fn at(place: &str, hash: &str) -> RecordPlace {
        RecordPlace { place: place.to_owned(), hash: hash.to_owned() }
    }

    fn is_there(ledger: &mut SessionLedger, place: &RecordPlace, now: u64) -> bool {
        matches!(ledger.load(place, TIMES, now), StoredSession::Record { .. })
    }

    #[test]
    fn the_idle_end_slides_and_the_absolute_end_does_not() {
        let (mut ledger, place) = (SessionLedger::default(), at("p", "h"));
        ledger.create(place.clone(), None, None, SessionFields::new(), TIMES, 0);
        for now in (0..1_000).step_by(90) {
            assert!(is_there(&mut ledger, &place, now), "{now}");
        }
        assert!(ledger.save(&place, &FieldChanges::new(), TIMES, 999));
        assert!(!is_there(&mut ledger, &place, 1_000));
        ledger.create(place.clone(), None, None, SessionFields::new(), TIMES, 0);
        assert!(!is_there(&mut ledger, &place, 100));
    }

    #[test]
    fn a_save_never_creates() {
        let (mut ledger, place) = (SessionLedger::default(), at("p", "h"));
        assert!(!ledger.save(&place, &FieldChanges::new(), TIMES, 0));
        ledger.create(place.clone(), None, None, SessionFields::new(), TIMES, 0);
        ledger.remove(&place);
        assert!(!ledger.save(&place, &[("a".to_owned(), Some("1".to_owned()))].into(), TIMES, 1));
        assert!(!is_there(&mut ledger, &place, 2));
    }

    #[test]
    fn all_sessions_of_a_user_end_at_once_and_later_ones_do_not() {
        let mut ledger = SessionLedger::default();
        let (one, two, other) = (at("ada", "1"), at("ada", "2"), at("bob", "1"));
        for (place, user) in [(&one, "ada"), (&two, "ada"), (&other, "bob")] {
            ledger.create(place.clone(), Some(user), None, SessionFields::new(), TIMES, 5);
        }
        assert_eq!(ledger.list("ada", 6).len(), 2);
        ledger.revoke_all("ada", TIMES, 5);
        assert!(!is_there(&mut ledger, &one, 6) && !is_there(&mut ledger, &two, 6));
        assert!(is_there(&mut ledger, &other, 6) && ledger.list("ada", 6).is_empty());
        ledger.create(one.clone(), Some("ada"), None, SessionFields::new(), TIMES, 6);
        assert!(is_there(&mut ledger, &one, 7));
    }

    #[test]
    fn a_renamed_session_is_found_for_a_while() {
        let (mut ledger, old, new) = (SessionLedger::default(), at("p", "1"), at("q", "2"));
        ledger.create(old.clone(), None, None, SessionFields::new(), TIMES, 0);
        ledger.point(&old, new.clone(), 10, 5);
        assert_eq!(ledger.load(&old, TIMES, 14), StoredSession::Moved(new.clone()));
        assert!(!ledger.save(&old, &FieldChanges::new(), TIMES, 14));
        assert_eq!(ledger.load(&old, TIMES, 15), StoredSession::Nothing);
        ledger.point(&at("x", "9"), new, 10, 15);
        assert_eq!(ledger.load(&at("x", "9"), TIMES, 16), StoredSession::Nothing);
    }

    #[test]
    fn sessions_that_ended_take_no_memory() {
        let mut ledger = SessionLedger::default();
        for number in 0..20_000_u64 {
            ledger.create(at("p", &number.to_string()), None, None, SessionFields::new(), TIMES, number);
        }
        assert!(ledger.slots.len() <= 2 * FEW, "{}", ledger.slots.len());
    }
}
