//! A listener for changes in a store that other processes write to as well.

/// A listener for changes in a shared store. Its methods are called from the task that reads from the connection and
/// must not block.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only Redis notifies of changes"))]
pub(crate) trait ChangeListener: Send + Sync + 'static {
    /// Changes are notified from here on; on a cluster, of some keys at least.
    fn on_connected(&self);

    /// No changes are notified any more: no copy can be trusted.
    fn on_lost(&self);

    /// A key was written or removed, or has expired.
    fn on_change(&self, key: &[u8]);

    /// All keys were removed, or some may have changed without a notification.
    fn on_flush(&self);
}
