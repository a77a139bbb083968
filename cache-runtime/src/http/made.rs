//! Made: values of headers that were made before, since most hits say what another hit said.

use std::cell::RefCell;

use http::HeaderValue;

const PLACES: usize = 64;

/// The values that numbers led to, each in the one place that its number has.
pub(super) struct Made(RefCell<[Option<(u64, HeaderValue)>; PLACES]>);

impl Made {
    pub(super) const fn new() -> Self {
        Self(RefCell::new([const { None }; PLACES]))
    }

    /// The value for this number.
    pub(super) fn get(&self, number: u64, make: impl FnOnce(u64) -> HeaderValue) -> HeaderValue {
        // The cast keeps the low bits, which is what is meant.
        let place = &mut self.0.borrow_mut()[number as usize % PLACES];
        match place {
            Some((known, value)) if *known == number => value.clone(),
            _ => place.insert((number, make(number))).1.clone(),
        }
    }
}
