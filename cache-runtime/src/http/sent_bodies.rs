//! The cached bodies that are being sent.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

use super::body_budget::{BodyBudget, Reservation, UNCOUNTED};

/// The number of bytes at the start, in the middle and at the end of a body that are hashed into its [`BodySample`].
const SAMPLED: usize = 64;

/// The cached bodies that are being sent, each counted once in the [`BodyBudget`] until its last client has it: clients that
/// get the same bytes share one copy, even if each of them read its own from Redis.
#[derive(Debug)]
pub(crate) struct SentBodies {
    budget: Arc<BodyBudget>,
    bodies: Mutex<HashMap<BodySample, Weak<SentBody>>>,
    hasher: foldhash::fast::RandomState,
}

/// The length of a body and a hash of a part of it. Equal bodies have equal samples.
type BodySample = (usize, u64);

/// A body that is being sent.
#[derive(Debug)]
struct SentBody {
    body: Bytes,
    sample: BodySample,
    bodies: Arc<SentBodies>,
    /// Held until the body is dropped.
    _memory: Arc<Reservation>,
}

/// One client's share of a body.
struct Share(Arc<SentBody>);

impl SentBodies {
    pub(crate) fn new(budget: Arc<BodyBudget>) -> Self {
        Self { budget, bodies: Mutex::default(), hasher: foldhash::fast::RandomState::default() }
    }

    /// Counts a body as long as the returned bytes are used; `None` if the budget has no room for it.
    pub(super) fn admit(self: &Arc<Self>, body: &Bytes) -> Option<Bytes> {
        self.share(body, || {
            let memory = self.budget.sending();
            memory.grow(body.len()).then(|| Arc::new(memory))
        })
    }

    /// Counts a body like [`SentBodies::admit`]. One that is not in memory for another client already takes this reservation, or
    /// memory beyond the budget.
    pub(super) fn admit_with(self: &Arc<Self>, body: &Bytes, memory: Option<Arc<Reservation>>) -> Bytes {
        let admitted = self.share(body, || {
            Some(memory.unwrap_or_else(|| {
                let memory = self.budget.sending();
                memory.force(body.len());
                Arc::new(memory)
            }))
        });
        admitted.unwrap_or_else(|| body.clone())
    }

    fn share(
        self: &Arc<Self>,
        body: &Bytes,
        memory: impl FnOnce() -> Option<Arc<Reservation>>,
    ) -> Option<Bytes> {
        if body.len() <= UNCOUNTED {
            return Some(body.clone());
        }
        let sample = self.sample(body);
        let known = self.lock().get(&sample).and_then(Weak::upgrade);
        // Compared, and perhaps dropped, outside the lock.
        let known = known.filter(|known| is_same(&known.body, body));
        let share = match known {
            Some(known) => known,
            None => {
                let (body, bodies) = (body.clone(), Arc::clone(self));
                let new = Arc::new(SentBody { body, sample, bodies, _memory: memory()? });
                self.lock().insert(sample, Arc::downgrade(&new));
                new
            }
        };
        Some(Bytes::from_owner(Share(share)))
    }

    fn sample(&self, body: &Bytes) -> BodySample {
        let (len, middle) = (body.len(), body.len() / 2);
        let parts = [&body[..SAMPLED], &body[middle..middle + SAMPLED], &body[len - SAMPLED..]];
        (len, self.hasher.hash_one(parts))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BodySample, Weak<SentBody>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SentBody {
    fn drop(&mut self) {
        let mut bodies = self.bodies.lock();
        // Another body may have taken the place.
        if bodies.get(&self.sample).is_some_and(|known| known.strong_count() == 0) {
            bodies.remove(&self.sample);
        }
    }
}

impl AsRef<[u8]> for Share {
    fn as_ref(&self) -> &[u8] {
        &self.0.body
    }
}

fn is_same(one: &Bytes, other: &Bytes) -> bool {
    (one.as_ptr() == other.as_ptr() && one.len() == other.len()) || one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = UNCOUNTED + 1000;

    fn bodies(limit: usize) -> (Arc<BodyBudget>, Arc<SentBodies>) {
        let budget = Arc::new(BodyBudget::new(limit));
        (Arc::clone(&budget), Arc::new(SentBodies::new(budget)))
    }

    #[test]
    fn equal_bodies_share_one_copy_which_is_counted_until_the_last_is_dropped() {
        let (budget, bodies) = bodies(2 * LEN);
        let body = || Bytes::from(vec![7; LEN]);
        let first = bodies.admit(&body()).expect("room");
        let second = bodies.admit(&body()).expect("a share");
        assert_eq!((first.as_ptr(), &first), (second.as_ptr(), &second));
        assert_eq!(budget.used(), LEN);
        drop(first);
        let slice = second.slice(5..7);
        drop(second);
        assert_eq!(budget.used(), LEN);
        drop(slice);
        assert_eq!((budget.used(), bodies.lock().len()), (0, 0));
    }

    #[test]
    fn bodies_with_one_sample_are_told_apart() {
        let (budget, bodies) = bodies(8 * LEN);
        let (plain, mut changed) = (vec![7; LEN], vec![7; LEN]);
        changed[SAMPLED + 1] = 8;
        let first = bodies.admit(&plain.clone().into()).expect("room");
        let other = bodies.admit(&changed.clone().into()).expect("room");
        assert_eq!((&first[..], &other[..], budget.used()), (&plain[..], &changed[..], 2 * LEN));
        drop(first);
        let again = bodies.admit(&changed.into()).expect("a share");
        assert_eq!((again.as_ptr(), budget.used()), (other.as_ptr(), LEN));
        drop((other, again));
        assert_eq!((budget.used(), bodies.lock().len()), (0, 0));
    }

    #[test]
    fn beyond_the_budget_there_are_only_shares_and_short_bodies() {
        let (budget, bodies) = bodies(2 * LEN);
        let first = bodies.admit(&vec![1; LEN].into()).expect("room");
        assert!(bodies.admit(&vec![2; LEN].into()).is_none());
        assert!(bodies.admit(&vec![1; LEN].into()).is_some());
        assert!(bodies.admit(&vec![2; UNCOUNTED].into()).is_some());
        assert_eq!(bodies.admit_with(&vec![2; LEN].into(), None), vec![2; LEN]);
        drop(first);
        assert_eq!(budget.used(), 0);
    }
}
