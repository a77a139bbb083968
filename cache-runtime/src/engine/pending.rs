//! PendingInvalidations: invalidations that the store could not carry out, kept until it can.
//!
//! Until one is carried out, this process reads nothing that it is about: what is stored there is known to be old. A
//! removal that comes late may meet a newer value; that costs a computation, and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::engine::core::Core;
use crate::observe::stats::{Counters, count};
use crate::observe::trace;
use crate::rt::io;
use crate::store::Store;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};

/// The pauses between attempts while the store is in trouble double from the one to the other.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// How many keys one command removes, while all goes well.
const BATCH: usize = 128;
/// How many may be refused before there is a pause.
const REFUSALS: usize = 64;

/// What is to be invalidated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PendingInvalidation {
    /// One entry.
    Key(Box<str>),
    /// Everything in a group.
    Group(Label),
    /// Everything that carries a tag.
    Tag(Label),
}

/// The invalidations of one cache that are pending, each once.
#[derive(Debug)]
pub(crate) struct PendingInvalidations {
    /// How many there are: all that a hit has to look at while there are none.
    len: AtomicUsize,
    /// Tells what was queued before from what was queued after; see [`PendingInvalidations::mark`].
    clock: AtomicU64,
    queue: Mutex<Queue>,
    /// Wakes the task that retries.
    hurry: Notify,
    /// Wakes who waits until all is done.
    done: Notify,
    max: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// When each was queued, and its turn.
    due: HashMap<PendingInvalidation, (u64, u64)>,
    turns: BTreeMap<u64, PendingInvalidation>,
    is_running: bool,
}

impl PendingInvalidations {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            len: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            queue: Mutex::default(),
            hurry: Notify::new(),
            done: Notify::new(),
            max,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(SeqCst)
    }

    /// Whether there are none: nothing else is to be asked on the way of a hit.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(SeqCst) == 0
    }

    /// Whether what is stored under `key` must not be read.
    #[inline]
    pub(crate) fn holds(&self, key: &Key, labels: Labels<'_>) -> bool {
        !self.is_empty() && self.queue().holds(key, labels)
    }

    /// The moment from which an invalidation is under way, for [`PendingInvalidations::settle`].
    pub(crate) fn mark(&self) -> u64 {
        self.clock.load(SeqCst)
    }

    /// An invalidation was carried out that began at `mark`. One that failed after that is still pending.
    pub(crate) fn settle(&self, due: &PendingInvalidation, mark: u64) {
        if self.is_empty() {
            return;
        }
        let mut queue = self.queue();
        if queue.due.get(due).is_some_and(|(queued, _)| *queued <= mark) {
            queue.remove(due);
            self.publish(&queue);
        }
    }

    /// Queues what is not queued yet. ValueRules whether there was room.
    fn push(&self, due: PendingInvalidation) -> bool {
        let mut queue = self.queue();
        if !queue.due.contains_key(&due) && queue.due.len() >= self.max {
            return false;
        }
        let now = self.clock.fetch_add(1, SeqCst) + 1;
        queue.remove(&due);
        queue.turns.insert(now, due.clone());
        queue.due.insert(due, (now, now));
        self.publish(&queue);
        true
    }

    /// What comes first, and what is of the same kind behind it.
    fn next(&self, limit: usize) -> Vec<PendingInvalidation> {
        let mut queue = self.queue();
        let mut batch: Vec<PendingInvalidation> = Vec::new();
        for due in queue.turns.values().take(limit) {
            let fits = batch.is_empty()
                || (matches!(due, PendingInvalidation::Key(_))
                    && matches!(batch[0], PendingInvalidation::Key(_)));
            if !fits {
                break;
            }
            batch.push(due.clone());
        }
        queue.is_running = !batch.is_empty();
        batch
    }

    /// Lets others go first, so that one that is refused for ever does not hold them up.
    fn postpone(&self, due: &PendingInvalidation) {
        let turn = self.clock.fetch_add(1, SeqCst) + 1;
        let mut queue = self.queue();
        let Queue { due: all, turns, .. } = &mut *queue;
        if let Some((_, old)) = all.get_mut(due) {
            turns.remove(old);
            turns.insert(turn, due.clone());
            *old = turn;
        }
    }

    /// Waits until there are none; begins the next attempt at once.
    pub(crate) async fn drained(&self) {
        loop {
            let done = self.done.notified();
            if self.is_empty() {
                return;
            }
            self.hurry.notify_one();
            done.await;
        }
    }

    /// Forgets them all; answers how many there were.
    pub(crate) fn abandon(&self) -> usize {
        let mut queue = self.queue();
        let left = queue.due.len();
        queue.due.clear();
        queue.turns.clear();
        self.publish(&queue);
        left
    }

    fn publish(&self, queue: &Queue) {
        self.len.store(queue.due.len(), SeqCst);
        if queue.due.is_empty() {
            self.done.notify_waiters();
            self.hurry.notify_one();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn holds(&self, key: &Key, labels: Labels<'_>) -> bool {
        self.due.contains_key(&PendingInvalidation::Key(key.as_str().into()))
            || labels
                .group
                .is_some_and(|group| self.due.contains_key(&PendingInvalidation::Group(Label::new(group))))
            || labels.tags.iter().any(|tag| self.due.contains_key(&PendingInvalidation::Tag(tag.clone())))
    }

    fn remove(&mut self, due: &PendingInvalidation) {
        if let Some((_, turn)) = self.due.remove(due) {
            self.turns.remove(&turn);
        }
    }
}

impl Core {
    /// An invalidation failed: queues what the store could not carry out. The error is for the caller, who is told also
    /// when there was no room.
    pub(crate) fn owe(
        self: &Arc<Self>,
        due: impl IntoIterator<Item = PendingInvalidation>,
        counters: &Counters,
        error: Error,
    ) -> Error {
        let trouble =
            matches!(error, Error::Unavailable { .. } | Error::Timeout { .. } | Error::Redis { .. });
        if !trouble || self.is_closed() {
            return error;
        }
        let mut is_full = false;
        for due in due {
            if self.pending.push(due) {
                count(&counters.pending_invalidations);
            } else {
                count(&counters.pending_invalidations_lost);
                is_full = true;
            }
        }
        self.retry();
        if !is_full {
            return error;
        }
        let limit = self.pending.max;
        self.stats.once("pending", || {
            trace::warn(&format!(
                "an invalidation failed and is not retried, because {limit} others wait already; raise `max_pending_invalidations`"
            ));
        });
        Error::NotQueued { limit, error: Box::new(error) }
    }

    /// Starts the task that retries, unless it runs.
    fn retry(self: &Arc<Self>) {
        {
            let mut queue = self.pending.queue();
            if queue.is_running || queue.due.is_empty() {
                return;
            }
            queue.is_running = true;
        }
        // It must not keep a cache alive that nobody has any more.
        let core = Arc::downgrade(self);
        io::spawn(async move { retry(core).await });
    }
}

/// Carries out what is pending, until nothing is.
async fn retry(core: Weak<Core>) {
    let (mut pause, mut size, mut refused) = (SHORTEST, BATCH, 0);
    while let Some(core) = core.upgrade() {
        let batch = core.pending.next(size);
        let Some(first) = batch.first() else { return };
        let mark = core.pending.mark();
        match carry_out(&core, &batch).await {
            Ok(()) => {
                batch.iter().for_each(|due| core.pending.settle(due, mark));
                (pause, size) = (SHORTEST, (size * 2).min(BATCH));
                continue;
            }
            // It may be one of them that is refused.
            Err(Error::Redis { .. }) if batch.len() > 1 => {
                size = 1;
                continue;
            }
            Err(Error::Redis { .. }) => {
                core.pending.postpone(first);
                (size, refused) = (1, refused + 1);
                if refused < REFUSALS.min(core.pending.len()) {
                    continue;
                }
            }
            Err(_) => {}
        }
        refused = 0;
        drop(tokio::time::timeout(pause, core.pending.hurry.notified()).await);
        pause = (pause * 2).min(LONGEST);
    }
}

async fn carry_out(core: &Arc<Core>, batch: &[PendingInvalidation]) -> Result<(), Error> {
    match batch {
        [PendingInvalidation::Tag(label)] => core.store.restamp(std::slice::from_ref(label)).await,
        [PendingInvalidation::Group(label)] => {
            core.store.restamp(std::slice::from_ref(label)).await?;
            core.reclaim(label.clone());
            Ok(())
        }
        keys => {
            let text = |due: &PendingInvalidation| match due {
                PendingInvalidation::Key(key) => Some(String::from(&**key)),
                PendingInvalidation::Group(_) | PendingInvalidation::Tag(_) => None,
            };
            let keys: Vec<String> = keys.iter().filter_map(text).collect();
            core.store.delete_page(&keys, false).await.map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text.to_owned(), text.find('}').map_or(0, |end| end + 1))
    }

    fn due(text: &str) -> PendingInvalidation {
        PendingInvalidation::Key(text.into())
    }

    #[test]
    fn holds_keys_groups_and_tags() {
        let pending = PendingInvalidations::new(10);
        let tags = [Label::tag("", "a"), Label::tag("", "b")];
        let holds = |key: &Key| pending.holds(key, Labels { group: key.group(), tags: &tags });
        assert!(!holds(&key("k")));
        assert!(pending.push(due("k")));
        assert!(holds(&key("k")) && !holds(&key("other")));
        assert!(pending.push(PendingInvalidation::Group(Label::new("{g}"))));
        assert!(holds(&key("{g}:1")) && !holds(&key("{h}:1")));
        assert!(pending.push(PendingInvalidation::Tag(Label::tag("", "b"))));
        assert!(holds(&key("other")));
        assert_eq!((pending.len(), pending.abandon(), pending.len()), (3, 3, 0));
        assert!(!holds(&key("k")));
    }

    #[test]
    fn each_is_there_once_and_they_are_bounded() {
        let pending = PendingInvalidations::new(2);
        for _ in 0..3 {
            assert!(pending.push(due("a")) && pending.push(due("b")));
        }
        assert!(!pending.push(due("c")));
        assert!(pending.push(due("a")), "it is there already");
        assert_eq!(pending.len(), 2);
    }

    #[test]
    fn only_what_began_later_settles_it() {
        let pending = PendingInvalidations::new(10);
        let early = pending.mark();
        pending.push(due("k"));
        pending.settle(&due("k"), early);
        assert_eq!(pending.len(), 1, "that one was under way when this one failed");
        let late = pending.mark();
        pending.push(due("k"));
        pending.settle(&due("k"), late);
        assert_eq!(pending.len(), 1, "it failed once more");
        pending.settle(&due("k"), pending.mark());
        assert!(pending.is_empty());
    }

    #[test]
    fn what_is_refused_lets_others_go_first() {
        let pending = PendingInvalidations::new(10);
        for text in ["a", "b", "c"] {
            pending.push(due(text));
        }
        pending.push(PendingInvalidation::Tag(Label::tag("", "t")));
        assert_eq!(pending.next(10), [due("a"), due("b"), due("c")]);
        assert_eq!(pending.next(1), [due("a")]);
        pending.postpone(&due("a"));
        pending.postpone(&due("gone"));
        assert_eq!(pending.next(10), [due("b"), due("c")]);
        pending.settle(&due("b"), pending.mark());
        pending.settle(&due("c"), pending.mark());
        assert_eq!(pending.next(10), [PendingInvalidation::Tag(Label::tag("", "t"))]);
        pending.settle(&PendingInvalidation::Tag(Label::tag("", "t")), pending.mark());
        assert_eq!(pending.next(10), [due("a")]);
    }
}
