//! Faults of connections, Redis and workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::crew::Crew;
use crate::redis::{Cause, Redis};
use support::proxy::Mode;
use support::redis::RedisServer;

/// Injects faults for a while, and ends them all.
pub async fn storm(crew: &Arc<Crew>, redis: &Arc<Redis>, round: u64, length: Duration) {
    crew.world.lock().calm = None;
    let until = Instant::now() + length;
    let seed = crew.world.seed;
    let chance = |part: u64| Chance::new(seed, 10 + part + 10 * round);
    if redis.server().is_some() {
        tokio::join!(
            lines(crew, until, chance(0)),
            server(crew, redis, until, chance(1)),
            workers(crew, until, chance(2)),
        );
    } else {
        tokio::join!(failovers(crew, redis, until, chance(1)), workers(crew, until, chance(2)));
    }
    over(crew).await;
}

/// Waits until all workers are connected and no fault is left.
pub async fn over(crew: &Crew) {
    for index in 0..crew.seats.len() {
        while !crew.is_there(index) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    crew.world.fault("everything works again");
    crew.world.lock().calm = Some(Instant::now());
}

/// Injects faults into the connection of one worker or of all.
async fn lines(crew: &Crew, until: Instant, mut chance: Chance) {
    while Instant::now() < until {
        let all = chance.percent(15);
        let one = chance.below(crew.seats.len() as u64) as usize;
        let hit = |index: usize| all || index == one;
        let mode = match chance.below(10) {
            // Bytes under way arrive when the fault is over, after their sender has given up.
            0..=3 => Mode::Blackhole,
            4 => Mode::Refuse,
            5 => Mode::Reset,
            6 => Mode::Delay(Duration::from_millis(chance.between(10, 400))),
            7 => Mode::Truncate(chance.below(300) as usize),
            8 => Mode::SwallowReplies,
            _ => Mode::Pass,
        };
        let cut = mode == Mode::Pass;
        let where_ = if all { "all lines".to_owned() } else { format!("the line of w{one}") };
        crew.world.fault(&if cut { format!("{where_} cut") } else { format!("{where_}: {mode:?}") });
        for (_, seat) in crew.seats.iter().enumerate().filter(|(index, _)| hit(*index)) {
            match &seat.line {
                Some(line) if cut => line.cut(),
                Some(line) => line.set(mode),
                None => {}
            }
        }
        let length = chance.weigh(&[(45, (20, 300)), (50, (300, 1500)), (5, (1500, 4500))]);
        pause(until, chance.between(length.0, length.1)).await;
        crew.seats.iter().filter_map(|seat| seat.line.as_ref()).for_each(|line| line.set(Mode::Pass));
        crew.world.fault("all lines as they should be");
        pause(until, chance.between(0, 500)).await;
    }
}

/// Replaces primaries, one at a time.
async fn failovers(crew: &Crew, redis: &Arc<Redis>, until: Instant, mut chance: Chance) {
    while Instant::now() < until {
        pause(until, chance.between(0, 1200)).await;
        let cause = [Cause::Graceful, Cause::Killed, Cause::Stopped][chance.below(3) as usize];
        let slot = chance.below(16_384) as u16;
        crew.world.fault(&format!("failover of slot {slot}: {cause:?}"));
        lost(crew);
        crew.world.lock().failovers.begin();
        let redis = Arc::clone(redis);
        let fail_over = move || {
            redis.fail_over(cause, slot);
            redis.epoch()
        };
        let epoch = tokio::task::spawn_blocking(fail_over).await.expect("a failover");
        crew.world.lock().failovers.end(epoch);
        lost(crew);
        crew.world.fault("failover over");
    }
}

/// Injects faults into the server.
async fn server(crew: &Crew, redis: &Arc<Redis>, until: Instant, mut chance: Chance) {
    while Instant::now() < until {
        pause(until, chance.between(0, 1200)).await;
        let length = Duration::from_millis(chance.between(20, 1500));
        match chance.below(8) {
            0 => {
                crew.world.fault(&format!("redis stopped for {length:?}"));
                on_thread(redis, RedisServer::pause).await;
                tokio::time::sleep(length).await;
                on_thread(redis, RedisServer::resume).await;
            }
            1 => {
                crew.world.fault("redis killed");
                lost(crew);
                on_thread(redis, move |server| server.stop()).await;
                tokio::time::sleep(length / 2).await;
                on_thread(redis, RedisServer::restart).await;
                lost(crew);
                crew.world.fault("redis started, empty");
            }
            2 | 3 => {
                crew.world.fault("FLUSHALL");
                lost(crew);
                on_thread(redis, |server| drop(server.command(&["FLUSHALL"]))).await;
                lost(crew);
            }
            4 => {
                crew.world.fault("SCRIPT FLUSH");
                on_thread(redis, |server| drop(server.command(&["SCRIPT", "FLUSH"]))).await;
            }
            5 | 6 => {
                crew.world.fault("CLIENT KILL");
                on_thread(redis, |server| drop(server.command(&["CLIENT", "KILL", "TYPE", "normal"]))).await;
            }
            _ => {
                crew.world.fault(&format!("CLIENT PAUSE {length:?}"));
                let ms = length.as_millis().to_string();
                on_thread(redis, move |server| drop(server.command(&["CLIENT", "PAUSE", &ms, "ALL"]))).await;
            }
        }
    }
}

/// Injects faults into the workers.
async fn workers(crew: &Arc<Crew>, until: Instant, mut chance: Chance) {
    while Instant::now() < until {
        pause(until, chance.between(100, 2000)).await;
        let index = chance.below(crew.seats.len() as u64) as usize;
        if chance.percent(40) {
            crew.kill(index);
            tokio::time::sleep(Duration::from_millis(chance.between(0, 300))).await;
            crew.hire(index);
        } else {
            let (from, to) = chance.weigh(&[(60, (20, 400)), (30, (400, 2000)), (10, (3000, 4500))]);
            let length = Duration::from_millis(chance.between(from, to));
            crew.world.fault(&format!("w{index} stopped for {length:?}"));
            crew.pause(index, true);
            tokio::time::sleep(length).await;
            crew.pause(index, false);
            crew.world.fault(&format!("w{index} goes on"));
        }
    }
}

/// Notes that Redis loses all keys.
fn lost(crew: &Crew) {
    crew.world.lock().lost = Some(Instant::now());
}

async fn pause(until: Instant, ms: u64) {
    let end = (Instant::now() + Duration::from_millis(ms)).min(until);
    tokio::time::sleep_until(end.into()).await;
}

async fn on_thread(redis: &Arc<Redis>, work: impl FnOnce(&RedisServer) + Send + 'static) {
    let redis = Arc::clone(redis);
    let work = move || redis.server().map(work);
    tokio::task::spawn_blocking(work).await.expect("the server obeys");
}
