//! A memo of header values: most hits send the values that another hit sent.

use std::cell::RefCell;

use http::HeaderValue;

const SLOTS: usize = 64;

/// The header values that were made of numbers, each in the one slot that its number has.
pub(super) struct HeaderMemo(RefCell<[Option<(u64, HeaderValue)>; SLOTS]>);

impl HeaderMemo {
    pub(super) const fn new() -> Self {
        Self(RefCell::new([const { None }; SLOTS]))
    }

    /// Returns the value of a number, made if the slot holds another.
    pub(super) fn get(&self, number: u64, make: impl FnOnce(u64) -> HeaderValue) -> HeaderValue {
        // The cast keeps the low bits, which choose the slot.
        let slot = &mut self.0.borrow_mut()[number as usize % SLOTS];
        match slot {
            Some((known, value)) if *known == number => value.clone(),
            _ => slot.insert((number, make(number))).1.clone(),
        }
    }
}
