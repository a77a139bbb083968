//! The limits of the caches under test, and the limits of waiting that follow.

use std::time::Duration;

use larder::{Builder, LocalTier};

/// The limit of one access to Redis.
pub const REDIS: Duration = Duration::from_millis(250);
/// The limit of an attempt to connect.
pub const CONNECT: Duration = Duration::from_millis(500);
/// The limit of a wait for another computation.
pub const WAIT: Duration = Duration::from_secs(2);
/// The time until a lease lapses that is not extended.
pub const LEASE: Duration = Duration::from_secs(3);
/// The maximal duration of a read of the database.
pub const READ: Duration = Duration::from_millis(400);
/// The expiry of copies in the local tier.
pub const LOCAL: Duration = Duration::from_secs(1);
/// The maximal delay of a local copy: it is read and stored, and changes in between are not reported.
pub const BEHIND: Duration = Duration::from_millis(1000 + 250 + 250);
/// The maximal delay of a local copy without faults: the message of a change is on its way.
pub const TOLD: Duration = Duration::from_millis(500);

/// The time for which nothing else is written after a put whose caller left: the put may still arrive, and what is there is
/// invalidated once more after four times the limit of Redis. The rest is for a busy machine.
pub const HELD: Duration = Duration::from_secs(3);

/// The time for which calls may compute concurrently after a computation that failed: as long as it took, 10 ms at least and
/// 5 s at most. The rest is for a busy machine, where the process notices the failure later than the database; around a fault
/// it may have been stopped, and takes that for a part of the computation.
pub fn concurrent_after(took: Duration, calm: bool) -> Duration {
    let (most, delay) = (Duration::from_secs(5), Duration::from_millis(500));
    if calm { took.clamp(Duration::from_millis(10), most) + delay } else { 2 * most + delay }
}

/// The limit of an act: a wait for a flight; a lead that then waits half as long for a lease; a
/// computation; and Redis once before each and once after. The rest is for a busy machine.
pub const ACT: Duration = Duration::from_millis(2000 + 1000 + 400 + 4 * 250 + 5000);

/// The limit of an act with a local tier.
pub fn local(builder: Builder) -> Builder {
    builder.local(LocalTier::new().expire(LOCAL))
}
