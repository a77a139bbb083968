//! Settle: S5, when nothing goes wrong any more, every worker soon serves every key from the cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::crew::Crew;
use crate::keys;
use crate::wire::{Act, Key, Kind, Outcome};

/// How soon.
const SOON: Duration = Duration::from_secs(5);

/// Invalidates each key once more, and waits until all workers serve what is true from then on.
pub async fn settle(crew: &Arc<Crew>) {
    let mut tasks = tokio::task::JoinSet::new();
    for key in keys::all() {
        let crew = Arc::clone(crew);
        tasks.spawn(async move {
            let began = Instant::now();
            while crew.perform(0, Act::Invalidate(key)).await != Some(Outcome::Done) {
                in_time(&crew, key, began, "cannot be invalidated");
            }
            for worker in 0..crew.seats.len() {
                let began = Instant::now();
                while !is_served(&crew, worker, key).await {
                    in_time(&crew, key, began, &format!("is not served from the cache by w{worker}"));
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("nobody panics");
    }
}

/// Whether a call gets the true version, from a computation that was over before it began.
async fn is_served(crew: &Crew, worker: usize, key: Key) -> bool {
    let next = crew.world.next_origin();
    let Some(Outcome::Value(reading)) = crew.perform(worker, Act::Call(key)).await else { return false };
    // What lives for a moment is computed all the time.
    crew.world.version(key) == reading.version && (key.kind == Kind::Brief || reading.origin < next)
}

fn in_time(crew: &Crew, key: Key, began: Instant, text: &str) {
    if began.elapsed() > SOON {
        let known = crew.world.lock();
        crew.world.violated(
            &known,
            Some(key),
            "S5",
            &format!("{key:?} {text}, {SOON:?} after the last fault"),
        );
    }
}
