//! The comparison of a value with what a hit would return, found by the type's traits.

use crate::rt::caught::caught;

/// The ways to compare two values of a type, as far as the type has them.
pub(crate) struct Comparison<V> {
    /// `PartialEq`.
    equal: Option<fn(&V, &V) -> bool>,
    /// `Debug`.
    text: Option<fn(&V) -> String>,
}

impl<V> Clone for Comparison<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for Comparison<V> {}

impl<V> Comparison<V> {
    /// Returns a comparison that finds no difference.
    pub(crate) const fn none() -> Self {
        Self { equal: None, text: None }
    }

    /// Combines what the probes found. A release build asks no probe.
    #[cfg(any(debug_assertions, test))]
    pub(crate) const fn new(equal: Option<fn(&V, &V) -> bool>, text: Option<fn(&V) -> String>) -> Self {
        Self { equal, text }
    }

    /// Returns whether two values differ. A value that does not equal itself, such as one that holds `NaN`, is compared as
    /// text. Sets and maps have no order there, so the bytes of the texts are sorted.
    pub(crate) fn differ(&self, value: &V, other: &V) -> bool {
        let differ = || {
            if let Some(equal) = self.equal.filter(|equal| equal(value, value)) {
                return !equal(value, other);
            }
            self.text.is_some_and(|text| sorted(text(value)) != sorted(text(other)))
        };
        caught(differ).unwrap_or(false)
    }
}

fn sorted(text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    bytes.sort_unstable();
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn text<T: std::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }

    #[test]
    fn values_that_equal_themselves_are_compared_by_equality() {
        let both = Comparison::new(Some(|a: &(u8, u8), b: &(u8, u8)| a.0 == b.0), Some(text::<(u8, u8)>));
        assert!(!both.differ(&(1, 2), &(1, 3)));
        assert!(both.differ(&(1, 2), &(2, 2)));
    }

    #[test]
    fn other_values_are_compared_as_text() {
        let both =
            Comparison::new(Some(|a: &Option<f64>, b: &Option<f64>| a == b), Some(text::<Option<f64>>));
        assert!(both.differ(&Some(f64::NAN), &None));
        assert!(!both.differ(&Some(f64::NAN), &Some(f64::NAN)));
        let sets = Comparison::new(None, Some(text::<HashSet<u16>>));
        let set: HashSet<u16> = (0..100).collect();
        assert!(!sets.differ(&set, &(0..100).rev().collect()));
        assert!(sets.differ(&set, &(0..99).collect()));
        assert!(!Comparison::none().differ(&1, &2));
    }

    #[test]
    fn a_comparison_that_panics_finds_nothing() {
        let panics = Comparison::new(Some(|_: &u8, _: &u8| panic!("as the test wants")), None);
        assert!(!panics.differ(&1, &2));
    }
}
