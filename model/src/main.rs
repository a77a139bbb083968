//! A model of the engine's protocol, explored through every reachable state of bounded worlds.
//!
//! `ARCHITECTURE.md`, "The engine", describes the protocol. The model has one key and one label in a Redis whose scripts
//! are single steps; in some worlds the label is in another slot, which no script of the key reaches. Processes read, wait, compute and invalidate, one step at a time, in every order. It checks:
//!
//! 1. A call that begins after an invalidation has returned never gets an older version, not even a stale one.
//! 2. Without faults a key is computed once at a time in the whole cluster; a process never has two leaders.
//! 3. Every caller that began can finish without reaching the limit of a wait.
//!
//! Each mutation, a step that is wrong on purpose, must be detected; otherwise the model would prove nothing.

mod call;
mod explore;
mod flight;
mod late;
mod moves;
mod scenario;
mod split;
mod state;
mod store;
mod trace;
mod worlds;

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use crate::explore::explore;
use crate::late::{LateWorld, late_worlds};
use crate::worlds::{Expected, World, worlds};

fn main() -> ExitCode {
    let only = std::env::args().nth(1);
    let mut worlds = worlds();
    worlds.retain(|world| only.as_ref().is_none_or(|only| world.scenario.name.contains(only.as_str())));
    let mut late = late_worlds();
    late.retain(|world| only.as_ref().is_none_or(|only| world.name.contains(only.as_str())));
    if worlds.is_empty() && late.is_empty() {
        eprintln!("no scenario has a name with this text");
        return ExitCode::FAILURE;
    }
    // Those with late tags are small.
    let queue = Mutex::new(late.into_iter().map(Job::Late).chain(worlds.into_iter().map(Job::Engine)));
    let wrong = Mutex::new(0);
    let work = || {
        loop {
            let next = queue.lock().expect("no thread panics while it holds the lock").next();
            let Some(world) = next else { return };
            let is_expected = match &world {
                Job::Engine(world) => judge(world),
                Job::Late(world) => judge_late(world),
            };
            if !is_expected {
                *wrong.lock().expect("no thread panics while it holds the lock") += 1;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().expect("no thread panics while it holds the lock");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A world to explore.
#[expect(clippy::large_enum_variant, reason = "there are a hundred")]
enum Job {
    Engine(World),
    Late(LateWorld),
}

/// Explores one world with a late tag and returns `true` when the result is as expected.
fn judge_late(world: &LateWorld) -> bool {
    let began = std::time::Instant::now();
    let report = late::explore(world);
    let (took, states, name) = (began.elapsed().as_secs_f32(), report.states, world.name);
    let (is_expected, word) = match (&report.violation, world.mutation) {
        (None, None) => (true, "holds   "),
        (Some(_), Some(_)) => (true, "found   "),
        (Some(_), None) => (false, "VIOLATED"),
        (None, Some(_)) => (false, "MISSED  "),
    };
    println!("{word} {name}: {states} states, {took:.1} s\n{}", report.violation.unwrap_or_default());
    is_expected
}

/// Explores one world and returns `true` when the result is as expected.
fn judge(world: &World) -> bool {
    let began = std::time::Instant::now();
    let report = explore(&world.scenario);
    let took = began.elapsed().as_secs_f32();
    let (name, states) = (world.scenario.name, report.states);
    match (report.violation, world.expected) {
        (None, Expected::Holds) => {
            println!("holds    {name}: {states} states, {took:.1} s");
            true
        }
        (Some((broken, path)), Expected::Breaks) => {
            println!("found    {name}: {broken} ({states} states, {took:.1} s)\n{}", trace::format(&path));
            true
        }
        (Some((broken, path)), Expected::Holds) => {
            println!("VIOLATED {name}: {broken} ({states} states, {took:.1} s)\n{}", trace::format(&path));
            false
        }
        (None, Expected::Breaks) => {
            println!("MISSED   {name}: a wrong step was not detected ({states} states, {took:.1} s)");
            false
        }
    }
}
