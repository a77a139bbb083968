//! The limits of the caches under test, and what follows from them for those who wait.

use std::time::Duration;

use larder::{Builder, LocalTier};

/// The longest that Redis may keep a call waiting.
pub const REDIS: Duration = Duration::from_millis(250);
/// The longest that an attempt to connect may take.
pub const CONNECT: Duration = Duration::from_millis(500);
/// The longest that a call waits for another's computation.
pub const WAIT: Duration = Duration::from_secs(2);
/// How long a lease holds when nobody renews it.
pub const LEASE: Duration = Duration::from_secs(3);
/// The longest that the database takes.
pub const READ: Duration = Duration::from_millis(400);
/// The longest that a copy lives in the local tier.
pub const LOCAL: Duration = Duration::from_secs(1);
/// A copy may be so much behind: it is read, then kept, and nobody is told of what changes meanwhile.
pub const BEHIND: Duration = Duration::from_millis(1000 + 250 + 250);
/// The same while it is calm: word of a change is on its way.
pub const TOLD: Duration = Duration::from_millis(500);

/// The longest that an act may take: a wait for a flight; a lead that then waits half as long for a lease; a
/// computation; and Redis once before each and once after. The rest is for a machine that is busy with other things.
pub const ACT: Duration = Duration::from_millis(2000 + 1000 + 400 + 4 * 250 + 5000);

/// With a local tier.
pub fn local(builder: Builder) -> Builder {
    builder.local(LocalTier::new().expire(LOCAL))
}
