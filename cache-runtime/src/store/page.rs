//! One page of a scan.

/// One page of a scan over keys.
#[derive(Debug, Default)]
pub(crate) struct KeyPage {
    /// Whole keys, prefix included, as in Redis. A key may appear on several pages.
    pub(crate) keys: Vec<String>,
    /// The position of the next page; `None` when the scan is complete.
    pub(crate) next: Option<Cursor>,
}

/// The position of a scan. Only the store that returned a cursor can read it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "a scan of memory has one page"))]
pub(crate) struct Cursor(u64);

impl Cursor {
    /// The position before the first page.
    pub(crate) const START: Self = Self(0);

    #[cfg(feature = "redis")]
    pub(super) const fn new(position: u64) -> Self {
        Self(position)
    }

    #[cfg(feature = "redis")]
    pub(super) const fn position(self) -> u64 {
        self.0
    }
}
