//! Switches to another server, which may lack the last invalidations.

use std::sync::Arc;

use super::core::Core;
use crate::rt::first::first;
use crate::rt::io;

impl Core {
    /// Makes the last invalidations again after each switch of the store to another server, and those that the old server
    /// acknowledges later. A removal too many costs one computation.
    pub(crate) fn follow_switches(self: &Arc<Self>) {
        let (Some(mut switches), Some(recent)) = (self.store.switches(), self.pending.recent()) else {
            return;
        };
        // Weak: the task must not keep a dropped cache alive.
        let core = Arc::downgrade(self);
        io::spawn(Box::pin(async move {
            loop {
                let switch = async { switches.changed().await.is_ok().then_some(true) };
                let straggler = async {
                    recent.straggler().await;
                    Some(false)
                };
                let Some(is_switch) = first(switch, straggler).await else { return };
                let Some(core) = core.upgrade() else { return };
                if is_switch {
                    core.pending.switch();
                }
                core.invalidate_soon(core.pending.take_recent(), None);
            }
        }));
    }
}
