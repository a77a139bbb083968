//! Job: the computation of a call, which runs in the call or apart from it.

use std::sync::Arc;

use super::flight::Leader;
use super::look::Seen;
use super::refresh::refresh;
use super::run::{Rules, Special};
use super::work::{Place, Work};
use crate::call::{Call, Trip};
use crate::outcome::{Kept, Shape, Value};

/// What a call does when it has to compute a `V`.
pub(crate) trait Job<V> {
    /// What comes of it.
    type Output;

    /// Whether it can run apart.
    const LEAVES: bool;
    /// There is an old value, which the computation may find to be still good.
    fn knows(&mut self, _: &V) {}
    /// Runs inside the call.
    fn here(self) -> impl Future<Output = Self::Output>;
    /// Runs apart, and stores what comes of it in the place of what was `seen`. Nothing happens when it cannot.
    fn apart(self, trip: &Trip<'_>, leader: Leader, seen: Seen);
}

/// A computation that may borrow from its caller, and so never leaves it.
pub(crate) struct Bound<F>(pub(crate) F);

impl<V, F: Future> Job<V> for Bound<F> {
    type Output = F::Output;
    const LEAVES: bool = false;

    fn here(self) -> impl Future<Output = F::Output> {
        self.0
    }

    fn apart(self, _: &Trip<'_>, _: Leader, _: Seen) {}
}

/// A computation that can leave its caller, with all that is to be done about its result.
pub(crate) struct Free<R, S: Shape<R>, U, W, M> {
    pub(crate) call: Arc<Call>,
    pub(crate) kept: Kept<R, S::Value>,
    pub(crate) rules: Arc<Rules<U, W>>,
    pub(crate) work: M,
    /// Whether it blocks its thread.
    pub(crate) blocks: bool,
}

impl<R, S, U, W, F, M> Job<S::Value> for Free<R, S, U, W, M>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> Special + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(Place) -> Work<F, R>,
{
    type Output = R;

    const LEAVES: bool = true;

    async fn here(self) -> R {
        (self.work)(Place::Here).done().await
    }

    fn apart(self, trip: &Trip<'_>, leader: Leader, seen: Seen) {
        let Self { call, kept, rules, work, blocks } = self;
        let background = &trip.inner.background;
        if !background.has_room() {
            return;
        }
        if let Work::Apart(future) = work(Place::Apart) {
            let task = async move {
                // It was made once already, for the call that asked for this.
                if let Some(Ok(trip)) = call.trip() {
                    refresh::<R, S>(&trip, leader, seen, kept, &*rules, future).await;
                }
            };
            if blocks { background.spawn_blocking(task) } else { background.spawn_near(task) }
        }
    }
}
