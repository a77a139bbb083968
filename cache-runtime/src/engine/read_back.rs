//! The check of a value before it is stored: it is decoded again, and in builds with debug assertions compared.

use std::hash::BuildHasher;

use bytes::Bytes;

use super::entry_op::EntryOp;
use super::unreadable::StoredType;
use crate::codec::envelope;
use crate::codec::{Decode, DecodeError, StoredForm};
use crate::observe::event_kind::EventKind;
use crate::site::comparison::Comparison;
use crate::site::outcome::Value;
use crate::types::error::Error;

impl EntryOp<'_> {
    /// The function of this access, with the type of its value.
    pub(crate) fn stored_type<V: Decode>(&self, form: StoredForm) -> StoredType {
        let hasher = foldhash::fast::FixedState::default();
        StoredType(hasher.hash_one((self.function, V::fingerprint(form))))
    }

    /// Returns whether a value is not to be stored, because values like it could not be read.
    pub(crate) fn is_unreadable<V: Decode>(&self, form: StoredForm) -> bool {
        self.core.unreadable.is_paused(self.stored_type::<V>(form))
    }

    /// Returns whether the value in an envelope can be read again, where that is not known yet: for the first value of a
    /// function, and for those that may be too deep.
    pub(crate) fn reads_back<V: Value>(
        &self,
        value: &V,
        (form, bytes): (StoredForm, &Bytes),
        comparison: Comparison<V>,
    ) -> bool {
        let (of, unreadable) = (self.stored_type::<V>(form), &self.core.unreadable);
        if !unreadable.needs_check(of) && V::is_bounded(form) {
            return true;
        }
        let opened = envelope::open(&self.key, bytes, V::limit(self.core.max_value));
        let decoded = opened.map_or_else(|| Err(DecodeError::new("damaged")), |opened| opened.decode(bytes));
        match decoded {
            Ok(hit) => {
                if unreadable.passed(of) && comparison.differ(value, &hit) {
                    self.warn_of_difference(form);
                }
                true
            }
            Err(error) => {
                unreadable.failed(of);
                self.record(EventKind::EncodeError);
                self.warn_of_unreadable(form, &error);
                false
            }
        }
    }

    /// Returns the error of a value that is put and could not be read, where that is not known yet.
    pub(crate) fn check_put<V: Value>(&self, value: &V) -> Option<Error> {
        let form = self.put_form::<V>();
        let (of, unreadable) = (self.stored_type::<V>(form), &self.core.unreadable);
        let refused = |message| Some(Error::Encode { codec: form.name(), message, source: None });
        if unreadable.is_paused(of) {
            return refused("values of this type could not be read again".to_owned());
        }
        if !unreadable.needs_check(of) && V::is_bounded(form) {
            return None;
        }
        let mut bytes = Vec::new();
        // A failure is reported when the value is stored.
        value.encode(form, &mut bytes).ok()?;
        let bytes = Bytes::from(bytes);
        match V::decode(form, &bytes, &bytes) {
            Ok(_) => {
                unreadable.passed(of);
                None
            }
            Err(error) => {
                unreadable.failed(of);
                self.record(EventKind::EncodeError);
                refused(format!("it cannot be read again: {error}"))
            }
        }
    }

    fn warn_of_unreadable(&self, form: StoredForm, error: &DecodeError) {
        self.warn_once("unreadable", || {
            format!(
                "a result of `{}` was not stored: {} writes it and cannot read it again ({error}); results of this type are tried again after a while. Write another `codec`, or change the `Serialize` or the `Deserialize` of the type",
                self.function,
                form.name()
            )
        });
    }

    fn warn_of_difference(&self, form: StoredForm) {
        self.warn_once("difference", || {
            format!(
                "a hit of `{}` differs from what the function returned: {} does not give back all of the value. Look for `#[serde(skip)]`, `skip_serializing` or `untagged` in its type, for `NaN`, and for an `Option` in an `Option`; have serde write every field, write another `codec`, or return a type without what is lost",
                self.function,
                form.name()
            )
        });
    }
}
