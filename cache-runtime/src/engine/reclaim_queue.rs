//! The groups that were dropped since the last walk over the store.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::DroppedGroups;
use crate::types::key::Label;

/// The number of groups that a walk distinguishes. Beyond it, the walk looks at the entries of all groups.
const MAX_GROUPS: usize = 4096;

/// The groups whose memory is to be freed.
#[derive(Debug, Default)]
pub(crate) struct GroupReclaim {
    queue: Mutex<ReclaimQueue>,
    done: Notify,
}

#[derive(Debug, Default)]
struct ReclaimQueue {
    groups: HashSet<Label>,
    has_overflown: bool,
    is_running: bool,
}

impl GroupReclaim {
    /// Adds a group. Returns whether the task is to be started.
    pub(super) fn add(&self, group: Label) -> bool {
        let mut queue = self.queue();
        if queue.groups.len() < MAX_GROUPS {
            queue.groups.insert(group);
        } else {
            queue.has_overflown |= !queue.groups.contains(&group);
        }
        !std::mem::replace(&mut queue.is_running, true)
    }

    /// Takes the groups of the next walk; `None` ends the task.
    pub(super) fn take(&self) -> Option<DroppedGroups> {
        let mut queue = self.queue();
        let groups = std::mem::take(&mut queue.groups);
        if groups.is_empty() {
            queue.is_running = false;
            self.done.notify_waiters();
            return None;
        }
        let has_overflown = std::mem::take(&mut queue.has_overflown);
        Some(if has_overflown { DroppedGroups::Any } else { DroppedGroups::These(groups) })
    }

    /// Waits until the memory of all dropped groups is freed.
    pub(crate) async fn idle(&self) {
        loop {
            let done = self.done.notified();
            if !self.queue().is_running {
                return;
            }
            done.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, ReclaimQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(n: usize) -> Label {
        Label::new(format!("{{{n}}}"))
    }

    #[test]
    fn groups_that_are_dropped_before_a_walk_share_it() {
        let reclaim = GroupReclaim::default();
        assert!(reclaim.add(group(1)), "the task is to be started");
        assert!(!reclaim.add(group(2)) && !reclaim.add(group(1)));
        let groups = reclaim.take().expect("a walk");
        assert!(groups.contains(group(1).as_str()) && groups.contains(group(2).as_str()));
        assert!(!groups.contains(group(3).as_str()));
        assert!(reclaim.take().is_none(), "the task ends");
        assert!(reclaim.add(group(1)));
    }

    #[test]
    fn beyond_the_limit_a_walk_looks_at_all_groups() {
        let reclaim = GroupReclaim::default();
        (0..MAX_GROUPS).for_each(|n| _ = reclaim.add(group(n)));
        reclaim.add(group(7));
        let (bounded, other) = (reclaim.take().expect("a walk"), group(MAX_GROUPS));
        assert!(!bounded.contains(other.as_str()));
        (0..=MAX_GROUPS).for_each(|n| _ = reclaim.add(group(n)));
        assert!(reclaim.queue().groups.len() == MAX_GROUPS);
        assert!(reclaim.take().expect("a walk").contains(other.as_str()));
    }
}
