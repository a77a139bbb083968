//! Players: tasks that make the workers act at random, one act after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use crate::chance::Chance;
use crate::crew::Crew;
use crate::functions;
use crate::keys;
use crate::wire::{Act, Key, Kind, Reading};

/// The number of players of each worker; several, so that calls of a process meet.
const PLAYERS: usize = 6;

/// The acts with their frequency in a thousand.
const ACTS: [(u64, Choice); 11] = [
    (840, Choice::Call),
    (10, Choice::Refresh),
    (50, Choice::Invalidate),
    (10, Choice::Delete),
    (4, Choice::Pattern),
    (55, Choice::Put),
    (8, Choice::Group),
    (14, Choice::Tag),
    (2, Choice::Everyone),
    (1, Choice::Clear),
    (6, Choice::Expire),
];

#[derive(Debug, Clone, Copy)]
enum Choice {
    Call,
    Refresh,
    Invalidate,
    Delete,
    Pattern,
    Put,
    Group,
    Tag,
    Everyone,
    Clear,
    Expire,
}

/// Plays until stopped.
pub async fn play(crew: &Arc<Crew>, stop: &Arc<AtomicBool>) {
    let mut players = tokio::task::JoinSet::new();
    for number in 0..PLAYERS * crew.seats.len() {
        let chance = Chance::new(crew.world.seed, 100 + number as u64);
        players.spawn(player(Arc::clone(crew), Arc::clone(stop), chance));
    }
    while let Some(played) = players.join_next().await {
        played.expect("no player panics");
    }
}

async fn player(crew: Arc<Crew>, stop: Arc<AtomicBool>, mut chance: Chance) {
    while !stop.load(SeqCst) {
        let worker = chance.below(crew.seats.len() as u64) as usize;
        let act = act(&mut chance);
        // Clients that leave: those of writes more often, because there are fewer of them.
        let leaves = chance.percent(if matches!(act, Act::Call(_)) { 5 } else { 20 });
        let patience = leaves.then(|| chance.between(0, 30));
        if crew.perform(worker, act, patience).await.is_none() || chance.percent(20) {
            tokio::time::sleep(Duration::from_micros(chance.below(3000))).await;
        }
    }
}

/// Chooses an act.
fn act(chance: &mut Chance) -> Act {
    let key = Key { kind: chance.pick(&keys::KINDS), id: chance.below(u64::from(keys::IDS)) as u8 };
    // An act that a kind does not support becomes a plain invalidation.
    let or_else = |has: bool, act: Act| if has { act } else { Act::Invalidate(key) };
    match chance.weigh(&ACTS) {
        Choice::Call => Act::Call(key),
        // The refresh mode belongs to a task, and a synchronous function runs on a thread.
        Choice::Refresh => or_else(key.kind != Kind::Blocking, Act::Refresh(key)),
        Choice::Invalidate => Act::Invalidate(key),
        Choice::Delete => or_else(key.kind != Kind::Brief, Act::Delete(key)),
        Choice::Pattern => or_else(key.kind != Kind::Brief, Act::Pattern(key)),
        // Version and origin are set when the act begins.
        Choice::Put => Act::Put(key, Reading { version: 0, origin: 0 }),
        Choice::Group => or_else(functions::group(key.kind).is_some(), Act::Group(key)),
        Choice::Tag => or_else(functions::tag(key.kind).is_some(), Act::Tag(key)),
        Choice::Everyone => Act::Everyone,
        Choice::Clear => Act::Clear,
        Choice::Expire => Act::Expire(key),
    }
}
