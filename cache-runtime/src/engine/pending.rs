//! Invalidations that the store could not carry out, queued until it can.
//!
//! Until one is carried out, this process bypasses the affected entries: their stored values are known to be old. A late
//! removal may hit a newer value; that costs one computation and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::pending_invalidation::PendingInvalidation;
use super::recent::RecentInvalidations;
use crate::types::function_filter::FunctionFilter;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label, Labels, glob_match};

/// The pending invalidations of one cache, each once.
#[derive(Debug)]
pub(crate) struct PendingInvalidations {
    /// The length of the queue: a hit reads nothing else while the queue is empty.
    len: AtomicUsize,
    /// Orders the invalidations; see [`PendingInvalidations::begin`].
    clock: AtomicU64,
    queue: Mutex<InvalidationQueue>,
    /// Wakes the task that retries.
    wake: Notify,
    /// Wakes the callers that wait until the queue is empty.
    done: Notify,
    max: usize,
    /// Those that the store has acknowledged, if it may lose them.
    recent: Option<Arc<RecentInvalidations<PendingInvalidation>>>,
}

#[derive(Debug, Default)]
struct InvalidationQueue {
    entries: HashMap<PendingInvalidation, Queued>,
    turns: BTreeMap<u64, PendingInvalidation>,
    /// The globs of the patterns among them.
    patterns: Vec<Box<str>>,
    /// The globs and names of the functions among them.
    functions: Vec<(Box<str>, FunctionFilter)>,
    is_running: bool,
}

/// The place of an invalidation in the queue.
#[derive(Debug)]
struct Queued {
    /// The moment at which it was queued.
    at: u64,
    turn: u64,
}

impl PendingInvalidations {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            len: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            queue: Mutex::default(),
            wake: Notify::new(),
            done: Notify::new(),
            max,
            recent: None,
        }
    }

    /// Remembers the last ones that were carried out, for a store that may switch to another server.
    pub(crate) fn remembering(mut self, remembers: bool) -> Self {
        self.recent = remembers.then(|| Arc::new(RecentInvalidations::new(self.max)));
        self
    }

    /// Records a switch to another server, which may lack the last ones.
    pub(crate) fn switch(&self) {
        let moment = self.clock.fetch_add(1, SeqCst) + 1;
        self.recent.as_ref().inspect(|recent| recent.switch(moment));
    }

    /// Takes the last ones that were carried out and began before the last switch.
    pub(crate) fn take_recent(&self) -> Vec<PendingInvalidation> {
        self.recent.as_ref().map(|recent| recent.take(Instant::now())).unwrap_or_default()
    }

    /// Returns the last ones that were carried out.
    pub(super) fn recent(&self) -> Option<Arc<RecentInvalidations<PendingInvalidation>>> {
        self.recent.clone()
    }

    /// The number of pending invalidations.
    pub(crate) fn len(&self) -> usize {
        self.len.load(SeqCst)
    }

    /// Returns the largest number of them.
    pub(crate) fn most(&self) -> usize {
        self.max
    }

    /// Returns whether there are none: all that the path of a hit asks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(SeqCst) == 0
    }

    /// Returns whether the entry under `key` must not be read. `function` is the one that it belongs to, if that is known.
    #[inline]
    pub(crate) fn holds(&self, key: &Key, labels: Labels<'_>, function: Option<&FunctionName>) -> bool {
        !self.is_empty() && self.queue().holds(key, labels, function)
    }

    /// Returns the moment at which an invalidation begins, for [`PendingInvalidations::commit`].
    pub(crate) fn begin(&self) -> u64 {
        self.clock.load(SeqCst)
    }

    /// Removes an invalidation from the queue once one that began at `began` was carried out. If it failed again after
    /// `began`, it is still pending.
    pub(crate) fn commit(&self, invalidation: &PendingInvalidation, began: u64) {
        self.remember(invalidation, began);
        if self.is_empty() {
            return;
        }
        let mut queue = self.queue();
        if queue.entries.get(invalidation).is_some_and(|queued| queued.at <= began) {
            queue.remove(invalidation);
            self.publish(&queue);
        }
    }

    /// Remembers a change that the store has acknowledged, if it may lose the change.
    pub(crate) fn remember(&self, invalidation: &PendingInvalidation, began: u64) {
        if let Some(recent) = &self.recent {
            recent.add(invalidation, began, Instant::now());
        }
    }

    /// Queues an invalidation unless it is queued already. Returns whether there was room.
    pub(crate) fn push(&self, invalidation: PendingInvalidation) -> bool {
        let mut queue = self.queue();
        if !queue.entries.contains_key(&invalidation) && queue.entries.len() >= self.max {
            return false;
        }
        let now = self.clock.fetch_add(1, SeqCst) + 1;
        queue.remove(&invalidation);
        match &invalidation {
            PendingInvalidation::Pattern(glob) => queue.patterns.push(glob.clone()),
            PendingInvalidation::Function { glob, of } => {
                queue.functions.push((glob.clone(), of.clone()));
            }
            _ => {}
        }
        queue.turns.insert(now, invalidation.clone());
        queue.entries.insert(invalidation, Queued { at: now, turn: now });
        self.publish(&queue);
        true
    }

    /// The first invalidation, and those of the same kind behind it.
    pub(crate) fn next(&self, limit: usize) -> Vec<PendingInvalidation> {
        let mut queue = self.queue();
        let mut batch: Vec<PendingInvalidation> = Vec::new();
        for invalidation in queue.turns.values().take(limit) {
            let fits = batch.is_empty()
                || (matches!(invalidation, PendingInvalidation::Key(_))
                    && matches!(batch[0], PendingInvalidation::Key(_)));
            if !fits {
                break;
            }
            batch.push(invalidation.clone());
        }
        queue.is_running = !batch.is_empty();
        batch
    }

    /// Lets others go first, so that one that is always refused does not hold them up.
    pub(crate) fn postpone(&self, invalidation: &PendingInvalidation) {
        let turn = self.clock.fetch_add(1, SeqCst) + 1;
        let mut queue = self.queue();
        let InvalidationQueue { entries: all, turns, .. } = &mut *queue;
        if let Some(queued) = all.get_mut(invalidation) {
            turns.remove(&queued.turn);
            turns.insert(turn, invalidation.clone());
            queued.turn = turn;
        }
    }

    /// Waits until there are none, and starts the next attempt at once.
    pub(crate) async fn drained(&self) {
        loop {
            let done = self.done.notified();
            if self.is_empty() {
                return;
            }
            self.wake.notify_one();
            done.await;
        }
    }

    /// Claims the right to run the task that retries; `false` while it runs, and where there is nothing to do.
    pub(crate) fn start(&self) -> bool {
        let mut queue = self.queue();
        if queue.is_running || queue.entries.is_empty() {
            return false;
        }
        queue.is_running = true;
        true
    }

    /// Waits for `pause`, or until a caller waits for the queue to be empty.
    pub(crate) async fn hurried(&self, pause: Duration) {
        drop(tokio::time::timeout(pause, self.wake.notified()).await);
    }

    /// The length that the queue may have.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Drops them all and returns how many there were.
    pub(crate) fn abandon(&self) -> usize {
        let mut queue = self.queue();
        let left = queue.entries.len();
        queue.entries.clear();
        queue.turns.clear();
        queue.patterns.clear();
        queue.functions.clear();
        self.publish(&queue);
        left
    }

    fn publish(&self, queue: &InvalidationQueue) {
        self.len.store(queue.entries.len(), SeqCst);
        if queue.entries.is_empty() {
            self.done.notify_waiters();
            self.wake.notify_one();
        }
    }

    fn queue(&self) -> MutexGuard<'_, InvalidationQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InvalidationQueue {
    fn holds(&self, key: &Key, labels: Labels<'_>, function: Option<&FunctionName>) -> bool {
        self.entries.contains_key(&PendingInvalidation::Key(key.as_str().into()))
            || labels.group.is_some_and(|group| {
                self.entries.contains_key(&PendingInvalidation::Group(Label::new(group)))
            })
            || labels.tags.iter().any(|tag| self.entries.contains_key(&PendingInvalidation::Tag(tag.clone())))
            || self.patterns.iter().any(|glob| glob_match(glob, key.as_str()))
            || self.functions.iter().any(|(glob, of)| {
                function.is_none_or(|function| of.includes(function.short(), function.hash()))
                    && glob_match(glob, key.as_str())
            })
    }

    fn remove(&mut self, invalidation: &PendingInvalidation) {
        if let Some(queued) = self.entries.remove(invalidation) {
            self.turns.remove(&queued.turn);
        }
        match invalidation {
            PendingInvalidation::Pattern(glob) => self.patterns.retain(|known| known != glob),
            PendingInvalidation::Function { glob, of } => {
                self.functions.retain(|known| (&known.0, &known.1) != (glob, of));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text.to_owned(), text.find('}').map_or(0, |end| end + 1), 0)
    }

    fn due(text: &str) -> PendingInvalidation {
        PendingInvalidation::Key(text.into())
    }

    #[test]
    fn holds_keys_groups_and_tags() {
        let pending = PendingInvalidations::new(10);
        let tags = [Label::tag("", "a"), Label::tag("", "b")];
        let holds = |key: &Key| pending.holds(key, Labels { group: key.group(), tags: &tags }, None);
        assert!(!holds(&key("k")));
        assert!(pending.push(due("k")));
        assert!(holds(&key("k")) && !holds(&key("other")));
        assert!(pending.push(PendingInvalidation::Group(Label::new("{g}"))));
        assert!(holds(&key("{g}:1")) && !holds(&key("{h}:1")));
        assert!(pending.push(PendingInvalidation::Tag(Label::tag("", "b"))));
        assert!(holds(&key("other")));
        let pattern = PendingInvalidation::Pattern("user:*".into());
        assert!(!pending.holds(&key("user:1"), Labels::default(), None));
        assert!(pending.push(pattern.clone()) && pending.push(pattern.clone()));
        assert!(pending.holds(&key("user:1"), Labels::default(), None));
        pending.commit(&pattern, pending.begin());
        assert!(!pending.holds(&key("user:1"), Labels::default(), None));
        assert_eq!((pending.len(), pending.abandon(), pending.len()), (3, 3, 0));
        assert!(!holds(&key("k")));
    }

    #[test]
    fn holds_the_entries_of_a_function() {
        let pending = PendingInvalidations::new(10);
        let (get, set) = (FunctionName::plain("pending.get"), FunctionName::plain("pending.set"));
        let holds = |text: &str, function| pending.holds(&key(text), Labels::default(), function);
        let clear = PendingInvalidation::Function {
            glob: "app:*".into(),
            of: FunctionFilter::exactly("pending.get"),
        };
        assert!(pending.push(clear.clone()) && pending.push(clear.clone()));
        assert!(holds("app:1", Some(get)) && !holds("app:1", Some(set)) && !holds("other:1", Some(get)));
        assert!(holds("app:1", None), "the entry may be one of that function");
        pending.commit(&clear, pending.begin());
        assert!(!holds("app:1", Some(get)) && !holds("app:1", None));
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
    fn only_an_invalidation_that_began_later_commits_it() {
        let pending = PendingInvalidations::new(10);
        let early = pending.begin();
        pending.push(due("k"));
        pending.commit(&due("k"), early);
        assert_eq!(pending.len(), 1, "that one was under way when this one failed");
        let late = pending.begin();
        pending.push(due("k"));
        pending.commit(&due("k"), late);
        assert_eq!(pending.len(), 1, "it failed once more");
        pending.commit(&due("k"), pending.begin());
        assert!(pending.is_empty());
    }

    #[test]
    fn a_refused_invalidation_lets_others_go_first() {
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
        pending.commit(&due("b"), pending.begin());
        pending.commit(&due("c"), pending.begin());
        assert_eq!(pending.next(10), [PendingInvalidation::Tag(Label::tag("", "t"))]);
        pending.commit(&PendingInvalidation::Tag(Label::tag("", "t")), pending.begin());
        assert_eq!(pending.next(10), [due("a")]);
    }

    #[test]
    fn those_before_a_switch_are_made_again() {
        let pending = PendingInvalidations::new(10).remembering(true);
        let began = pending.begin();
        pending.commit(&due("a"), began);
        assert_eq!(pending.take_recent(), []);
        pending.switch();
        assert_eq!(pending.take_recent(), [due("a")]);
        // The reply of the old server comes late.
        pending.commit(&due("b"), began);
        pending.commit(&due("new"), pending.begin());
        assert_eq!(pending.take_recent(), [due("b")]);
        let forgetful = PendingInvalidations::new(10);
        forgetful.commit(&due("a"), forgetful.begin());
        forgetful.switch();
        assert_eq!(forgetful.take_recent(), []);
    }
}
