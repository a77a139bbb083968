//! The decision about what a response stores.

use super::record::{FieldChanges, SessionFields, SessionRecord, SessionSpan};
use super::session_id::RecordPlace;

/// The wishes of a handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SessionWishes {
    pub(super) changes: FieldChanges,
    /// The user who signs in.
    pub(super) sign_in: Option<String>,
    /// The session is to get a new id.
    pub(super) rotates: bool,
}

/// The writes of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionCommit {
    Nothing,
    /// Changes of a record that must still be there.
    Save(RecordPlace, FieldChanges),
    /// A new record with a new id. The old one leads to it for a while.
    Create {
        user: Option<String>,
        /// The beginning and the end of the session that is renamed; `None` begins a new one.
        span: Option<SessionSpan>,
        fields: SessionFields,
        old: Option<RecordPlace>,
    },
}

impl SessionCommit {
    /// Decides. A response with an error of the server stores nothing, and a login that was refused signs nobody in.
    pub(super) fn of(record: Option<&SessionRecord>, wishes: SessionWishes, status: u16) -> Self {
        if status >= 500 {
            return Self::Nothing;
        }
        let sign_in = wishes.sign_in.filter(|_| status < 400);
        let known = record.map(|record| &record.fields);
        if sign_in.is_some() || (wishes.rotates && record.is_some()) {
            let mut fields = known.cloned().unwrap_or_default();
            apply(&mut fields, wishes.changes);
            // A login begins anew; another id alone moves no end.
            let span = record.map(|record| record.span).filter(|_| sign_in.is_none());
            let user = sign_in.or_else(|| record.and_then(|record| record.user.clone()));
            return Self::Create { user, span, fields, old: record.map(|record| record.place.clone()) };
        }
        let mut changes = wishes.changes;
        // A value that is so already is not written.
        changes.retain(|name, value| known.and_then(|known| known.get(name)) != value.as_ref());
        match record {
            _ if changes.is_empty() => Self::Nothing,
            Some(record) => Self::Save(record.place.clone(), changes),
            None => {
                let mut fields = SessionFields::new();
                apply(&mut fields, changes);
                Self::Create { user: None, span: None, fields, old: None }
            }
        }
    }
}

fn apply(fields: &mut SessionFields, changes: FieldChanges) {
    for (name, value) in changes {
        match value {
            Some(value) => fields.insert(name, value),
            None => fields.remove(&name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(user: Option<&str>) -> SessionRecord {
        let place = RecordPlace { place: "p".to_owned(), hash: "h".to_owned() };
        let fields = [("cart".to_owned(), "1".to_owned())].into();
        let span = SessionSpan { began: 1, end: 9 };
        SessionRecord { place, user: user.map(str::to_owned), span, fields }
    }

    fn wishes(changes: &[(&str, Option<&str>)], sign_in: Option<&str>) -> SessionWishes {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
        SessionWishes { changes: changes.collect(), sign_in: sign_in.map(str::to_owned), rotates: false }
    }

    #[test]
    fn nothing_is_stored_where_nothing_changed_or_the_server_failed() {
        let known = record(None);
        for (record, wishes, status) in [
            (None, wishes(&[], None), 200),
            (Some(&known), wishes(&[], None), 200),
            (Some(&known), wishes(&[("cart", Some("1"))], None), 200),
            (None, wishes(&[("cart", None)], None), 200),
            (Some(&known), wishes(&[("cart", Some("2"))], None), 500),
            (Some(&known), wishes(&[("cart", Some("2"))], Some("ada")), 503),
            (Some(&known), wishes(&[], Some("ada")), 401),
        ] {
            assert_eq!(SessionCommit::of(record, wishes, status), SessionCommit::Nothing);
        }
    }

    #[test]
    fn changes_go_to_the_record_that_was_loaded_or_to_a_new_one() {
        let known = record(Some("ada"));
        let changes = wishes(&[("a", Some("2")), ("cart", None)], None);
        assert_eq!(
            SessionCommit::of(Some(&known), changes.clone(), 404),
            SessionCommit::Save(known.place.clone(), changes.changes)
        );
        let created = SessionCommit::of(None, wishes(&[("a", Some("2")), ("b", None)], None), 200);
        let fields = [("a".to_owned(), "2".to_owned())].into();
        assert_eq!(created, SessionCommit::Create { user: None, span: None, fields, old: None });
    }

    #[test]
    fn a_login_renames_the_session_and_keeps_its_values() {
        let known = record(None);
        let created = SessionCommit::of(Some(&known), wishes(&[("a", Some("2"))], Some("ada")), 303);
        let fields = [("a".to_owned(), "2".to_owned()), ("cart".to_owned(), "1".to_owned())].into();
        let old = Some(known.place);
        assert_eq!(created, SessionCommit::Create { user: Some("ada".to_owned()), span: None, fields, old });
        let renamed = SessionWishes { rotates: true, ..SessionWishes::default() };
        assert_eq!(SessionCommit::of(None, renamed.clone(), 200), SessionCommit::Nothing);
        let signed_in = record(Some("ada"));
        let created = SessionCommit::of(Some(&signed_in), renamed, 200);
        let kept = Some(signed_in.span);
        assert!(
            matches!(created, SessionCommit::Create { user: Some(user), span, .. } if user == "ada" && span == kept)
        );
    }
}
