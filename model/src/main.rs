//! The engine's protocol as a model, and every state of it that can be reached in bounded worlds.
//!
//! `ARCHITECTURE.md`, "The engine", says what the protocol is. Here one key and one label live in a Redis whose scripts
//! are single steps; processes read, wait, compute and invalidate, a step at a time, in every order. What must hold:
//!
//! 1. A call that began after an invalidation had returned never gets an older version; also not a stale one.
//! 2. While nothing goes wrong, a key is computed once at a time in the whole cluster; a process never has two leaders.
//! 3. Everybody who began can finish, with no wait having reached its limit.
//!
//! And each mutation, a step done wrong on purpose, must be found out: otherwise the model would prove nothing.

mod call;
mod explore;
mod flight;
mod moves;
mod scenario;
mod state;
mod store;
mod tell;
mod worlds;

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use crate::explore::explore;
use crate::worlds::{Expected, World, worlds};

fn main() -> ExitCode {
    let only = std::env::args().nth(1);
    let mut worlds = worlds();
    worlds.retain(|world| only.as_ref().is_none_or(|only| world.scenario.name.contains(only.as_str())));
    if worlds.is_empty() {
        eprintln!("no scenario has this in its name");
        return ExitCode::FAILURE;
    }
    let queue = Mutex::new(worlds.into_iter());
    let wrong = Mutex::new(0);
    let work = || {
        loop {
            let next = queue.lock().expect("no thread panics with it").next();
            let Some(world) = next else { return };
            if !judge(&world) {
                *wrong.lock().expect("no thread panics with it") += 1;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().expect("no thread panics with it");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores one world and says whether it is as expected.
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
        (Some((broken, way)), Expected::Breaks) => {
            println!("found    {name}: {broken} ({states} states, {took:.1} s)\n{}", tell::tell(&way));
            true
        }
        (Some((broken, way)), Expected::Holds) => {
            println!("VIOLATED {name}: {broken} ({states} states, {took:.1} s)\n{}", tell::tell(&way));
            false
        }
        (None, Expected::Breaks) => {
            println!("MISSED   {name}: a step is wrong and nothing shows it ({states} states, {took:.1} s)");
            false
        }
    }
}
