//! S5: after the last fault, every worker soon serves every key from the cache, and every invalidation was carried out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::crew::Crew;
use crate::keys;
use crate::wire::{Act, Key, Kind, Outcome};

/// The limit for S5.
const SOON: Duration = Duration::from_secs(5);

/// Waits until the invalidations without success are carried out, invalidates each key once more, and waits until all workers serve the true version.
pub async fn settle(crew: &Arc<Crew>) {
    let mut tasks = tokio::task::JoinSet::new();
    for key in keys::all() {
        let crew = Arc::clone(crew);
        tasks.spawn(async move {
            for worker in 0..crew.seats.len() {
                let began = Instant::now();
                while !is_carried_out(&crew, worker, key).await {
                    in_time(
                        &crew,
                        key,
                        began,
                        &format!(
                            "has an old version in w{worker}, after an act that was dropped or refused,"
                        ),
                    );
                }
            }
            let began = Instant::now();
            while crew.perform(0, Act::Invalidate(key), None).await != Some(Outcome::Done) {
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
        done.expect("no panic");
    }
}

/// Returns true if a call gets the version of the invalidations that were not reported as carried out.
async fn is_carried_out(crew: &Crew, worker: usize, key: Key) -> bool {
    let owed = crew.world.owed(key);
    let outcome = crew.perform(worker, Act::Call(key), None).await;
    matches!(outcome, Some(Outcome::Value(reading)) if reading.version >= owed)
}

/// Returns true if a call gets the true version from a computation that ended before the call began.
async fn is_served(crew: &Crew, worker: usize, key: Key) -> bool {
    let next = crew.world.next_origin();
    let Some(Outcome::Value(reading)) = crew.perform(worker, Act::Call(key), None).await else {
        return false;
    };
    // A short-lived entry is computed most of the time.
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
