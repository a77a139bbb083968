//! The acknowledgements of an invalidation.

use crate::types::error::Error;

/// The acknowledgements of all parts of an invalidation.
#[derive(Debug, Default)]
pub(super) struct Confirmed {
    /// The number of the part that the fewest replicas acknowledged, and the number that was asked for.
    shortfall: Option<(usize, usize)>,
}

impl Confirmed {
    /// Adds the acknowledgements of a part.
    pub(super) fn add(&mut self, acknowledged: usize, wanted: usize) {
        let fewest = self.shortfall.map_or(acknowledged, |(fewest, _)| fewest.min(acknowledged));
        if fewest < wanted {
            self.shortfall = Some((fewest, wanted));
        }
    }

    /// Returns the result of the whole invalidation.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] if too few replicas acknowledged a part.
    pub(super) fn result<T>(self, value: T) -> Result<T, Error> {
        match self.shortfall {
            Some((acknowledged, wanted)) => Err(Error::NotConfirmed { acknowledged, wanted }),
            None => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_with_the_fewest_acknowledgements_decides() {
        let mut confirmed = Confirmed::default();
        confirmed.add(2, 2);
        confirmed.add(3, 2);
        assert_eq!(confirmed.shortfall, None);
        for acknowledged in [1, 2, 0, 1] {
            confirmed.add(acknowledged, 2);
        }
        assert!(matches!(confirmed.result(()), Err(Error::NotConfirmed { acknowledged: 0, wanted: 2 })));
        assert!(Confirmed::default().result(()).is_ok());
    }
}
