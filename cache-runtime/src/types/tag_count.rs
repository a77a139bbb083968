//! The count of tag invalidations under a prefix.

/// The number of tag invalidations under a prefix, since its counter was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TagCount {
    pub(crate) number: u64,
    /// Random, made with the counter: numbers of different epochs cannot be compared.
    pub(crate) epoch: [u8; 8],
}

impl TagCount {
    /// The length of [`TagCount::bytes`].
    #[cfg(feature = "redis")]
    pub(crate) const LEN: usize = 16;

    /// In the place of a tag's count: the tag was invalidated while the counter could not be reached.
    #[cfg(feature = "redis")]
    pub(crate) const BARRED: Self = Self { number: u64::MAX, epoch: [u8::MAX; 8] };

    /// Returns the form in stores and envelopes.
    #[cfg(feature = "redis")]
    pub(crate) fn bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..].copy_from_slice(&self.epoch);
        bytes
    }

    /// Reads the form of [`TagCount::bytes`].
    #[cfg(feature = "redis")]
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::LEN] = bytes.try_into().ok()?;
        let (number, epoch) = (bytes.first_chunk().copied()?, bytes.last_chunk().copied()?);
        Some(Self { number: u64::from_le_bytes(number), epoch })
    }

    /// Returns whether a value whose computation began at this count may be stored under tags with these counts, read before the
    /// counter was at `now`. A tag whose count is not known or of another epoch may have been invalidated up to now; under a barred
    /// one nothing may be stored.
    #[cfg(feature = "redis")]
    pub(crate) fn permits(self, now: Self, mut tags: impl Iterator<Item = Option<Self>>) -> bool {
        let bound =
            |count: Option<Self>| count.filter(|count| count.epoch == now.epoch).unwrap_or(now).number;
        now.epoch == self.epoch
            && tags.all(|count| count != Some(Self::BARRED) && bound(count) <= self.number)
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    fn count(number: u64, epoch: u8) -> TagCount {
        TagCount { number, epoch: [epoch; 8] }
    }

    #[test]
    fn a_tag_that_may_have_been_invalidated_since_is_refused() {
        let noted = count(5, 1);
        let permits = |now, tags: &[Option<TagCount>]| noted.permits(now, tags.iter().copied());
        assert!(permits(count(9, 1), &[Some(count(5, 1)), Some(count(0, 1))]));
        assert!(!permits(count(9, 1), &[Some(count(5, 1)), Some(count(6, 1))]));
        assert!(permits(count(5, 1), &[None, Some(count(7, 2))]), "nothing was invalidated since");
        assert!(!permits(count(6, 1), &[None]));
        assert!(!permits(count(6, 1), &[Some(count(1, 2))]));
        assert!(!permits(count(1, 2), &[Some(count(1, 1))]), "the counter was lost");
        assert!(!permits(count(5, 1), &[Some(TagCount::BARRED)]), "nobody could count it");
    }

    #[test]
    fn the_form_in_stores_is_read_again() {
        let count = count(0x0102_0304, 7);
        assert_eq!(TagCount::read(&count.bytes()), Some(count));
        assert_eq!(TagCount::read(&[0; 15]), None);
    }
}
