//! Frees the memory of dropped groups, in the background: one walk over the store for all groups that were dropped since the
//! walk before.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::core::Core;
use crate::observe::trace;
use crate::rt::io;
use crate::store::{Cursor, DroppedGroups, Store};
use crate::types::key::Label;

/// The time before a walk: groups that are dropped meanwhile share it.
const GATHER: Duration = Duration::from_millis(100);
/// The shortest pause between two steps of a walk.
const PAUSE: Duration = Duration::from_millis(5);
/// The pause between two steps is at least so many times as long as a step: a walk leaves the store to others.
const SHARE: u32 = 9;

impl Core {
    /// Frees the memory of a dropped group, in the background.
    pub(crate) fn reclaim(self: &Arc<Self>, group: Label) {
        if self.reclaim.add(group) {
            // Weak: the task must not keep a dropped cache alive.
            let core = Arc::downgrade(self);
            io::spawn(Box::pin(walk_until_done(core)));
        }
    }
}

async fn walk_until_done(core: Weak<Core>) {
    loop {
        tokio::time::sleep(GATHER).await;
        let Some(groups) = core.upgrade().and_then(|core| core.reclaim.take()) else { return };
        walk(&core, &groups).await;
    }
}

/// Walks over the store once.
async fn walk(core: &Weak<Core>, groups: &DroppedGroups) {
    let mut next = Some(Cursor::START);
    while let Some(cursor) = next {
        let Some(core) = core.upgrade() else { return };
        let began = Instant::now();
        next = match core.store.reclaim(&core.prefix, cursor, groups).await {
            Ok(next) => next,
            Err(error) => {
                // The entries can no longer be read, and expire.
                trace::store_error("reclaim", &error);
                core.report_denial(&error);
                return;
            }
        };
        drop(core);
        tokio::time::sleep(PAUSE.max(began.elapsed() * SHARE)).await;
    }
}
