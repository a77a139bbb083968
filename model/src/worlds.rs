//! The scenarios that are explored, and the expected result of each.

use crate::scenario::{Budget, Mutation, Policy, Scenario, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Holds,
    Breaks,
}

pub struct World {
    pub scenario: Scenario,
    pub expected: Expected,
}

const NOTHING: Budget = Budget {
    writes: 0,
    ages: 0,
    expiries: 0,
    failures: 0,
    give_ups: 0,
    lapses: 0,
    timeouts: 0,
    kills: 0,
    stalls: 0,
    flushes: 0,
};

const PLAIN: Scenario = Scenario {
    name: "",
    calls: [2, 2],
    forced: false,
    policy: Policy::Plain,
    writes: &[Write::Delete],
    writers: 1,
    budget: Budget { writes: 1, ..NOTHING },
    warm: false,
    is_split: false,
    unstamped: false,
    mutation: None,
};

/// The label is in another slot than the key.
const SPLIT: Scenario = Scenario { is_split: true, ..PLAIN };

/// Returns all scenarios with their expected results.
pub fn worlds() -> Vec<World> {
    let mut worlds: Vec<World> = Vec::new();
    worlds.extend(fault_free().into_iter().map(|scenario| World { scenario, expected: Expected::Holds }));
    worlds.extend(stalled().into_iter().map(|scenario| World { scenario, expected: Expected::Holds }));
    worlds.extend(leased_puts().into_iter().map(|scenario| World { scenario, expected: Expected::Holds }));
    worlds.extend(faults().into_iter().map(|scenario| World { scenario, expected: Expected::Holds }));
    worlds.extend(split().into_iter().map(|scenario| World { scenario, expected: Expected::Holds }));
    worlds.extend(split_mutated().into_iter().map(|scenario| World { scenario, expected: Expected::Breaks }));
    worlds.extend(mutated().into_iter().map(|scenario| World { scenario, expected: Expected::Breaks }));
    worlds
}

/// Scenarios without faults.
fn fault_free() -> Vec<Scenario> {
    use Write::{Delete, Group, Put, Tag};
    let old = Budget { writes: 1, ages: 1, failures: 1, ..NOTHING };
    let stale = |name, writes, policy| Scenario { name, writes, policy, budget: old, warm: true, ..PLAIN };
    vec![
        Scenario { name: "a key", ..PLAIN },
        Scenario { name: "a tag", writes: &[Tag], calls: [1, 2], ..PLAIN },
        Scenario { name: "a group", writes: &[Group], calls: [2, 1], ..PLAIN },
        Scenario { name: "a put", writes: &[Put], calls: [2, 1], ..PLAIN },
        Scenario { name: "a key twice", calls: [1, 2], budget: Budget { writes: 2, ..NOTHING }, ..PLAIN },
        Scenario {
            name: "everything twice",
            writes: &[Delete, Tag, Put],
            calls: [1, 1],
            budget: Budget { writes: 2, ..NOTHING },
            ..PLAIN
        },
        Scenario {
            name: "stale while revalidate, a key",
            calls: [1, 2],
            ..stale("", &[Delete, Put], Policy::Revalidate)
        },
        Scenario {
            name: "stale while revalidate, a tag",
            calls: [1, 2],
            ..stale("", &[Tag], Policy::Revalidate)
        },
        Scenario {
            name: "stale if error, a key",
            calls: [1, 2],
            ..stale("", &[Delete, Put], Policy::OnError)
        },
        Scenario { name: "stale if error, a tag", calls: [1, 2], ..stale("", &[Tag], Policy::OnError) },
    ]
}

/// Scenarios of puts that take their lease before they write to the database.
fn leased_puts() -> Vec<Scenario> {
    use Write::{Delete, LeasedPut, Tag};
    let old = Budget { writes: 1, ages: 1, failures: 1, ..NOTHING };
    vec![
        Scenario { name: "a put with a lease", writes: &[LeasedPut], calls: [2, 1], ..PLAIN },
        Scenario {
            name: "two puts with leases race",
            writes: &[LeasedPut],
            writers: 2,
            calls: [1, 1],
            budget: Budget { writes: 2, ..NOTHING },
            ..PLAIN
        },
        Scenario {
            name: "puts with leases and everything else race",
            writes: &[LeasedPut, Delete, Tag],
            writers: 2,
            calls: [1, 1],
            budget: Budget { writes: 2, ..NOTHING },
            warm: true,
            ..PLAIN
        },
        Scenario {
            name: "three puts with leases race",
            writes: &[LeasedPut],
            writers: 2,
            calls: [0, 1],
            budget: Budget { writes: 3, ..NOTHING },
            ..PLAIN
        },
        Scenario {
            name: "stale while revalidate, puts with leases",
            writers: 2,
            calls: [1, 1],
            writes: &[LeasedPut],
            policy: Policy::Revalidate,
            budget: old,
            warm: true,
            ..PLAIN
        },
        Scenario {
            name: "puts with leases, all at once",
            writes: &[LeasedPut, Delete],
            writers: 2,
            calls: [0, 1],
            budget: Budget { writes: 2, lapses: 1, kills: 1, expiries: 1, timeouts: 1, ..NOTHING },
            ..PLAIN
        },
    ]
}

/// Scenarios with faults.
fn faults() -> Vec<Scenario> {
    use Write::{Delete, Put, Tag};
    let with = |name, budget| Scenario { name, calls: [1, 2], writes: &[Delete, Tag], budget, ..PLAIN };
    let one = Budget { writes: 1, ..NOTHING };
    vec![
        with("a lease lapses", Budget { lapses: 1, ..one }),
        with("a process is killed", Budget { kills: 1, ..one }),
        with("FLUSHALL", Budget { flushes: 1, ..one }),
        with("an entry expires", Budget { expiries: 1, ..one }),
        with("waits reach their limit", Budget { give_ups: 2, ..one }),
        with("an answer is lost", Budget { timeouts: 1, ..one }),
        with("the function fails", Budget { failures: 1, ..one }),
        Scenario {
            name: "the function fails twice",
            writes: &[Delete],
            ..with("", Budget { failures: 2, ..one })
        },
        Scenario {
            name: "two puts, an answer is lost",
            writes: &[Put, Delete],
            calls: [1, 1],
            ..with("", Budget { writes: 2, timeouts: 1, ..NOTHING })
        },
        Scenario {
            name: "all at once",
            calls: [1, 1],
            ..with(
                "",
                Budget { lapses: 1, kills: 1, flushes: 1, give_ups: 1, timeouts: 1, expiries: 1, ..one },
            )
        },
        Scenario { name: "a refresh on request", forced: true, ..with("", one) },
        // A reader drops such an entry: the comparison in FILL saves memory and is not needed for correctness.
        Scenario {
            name: "FILL compares no stamps, and the reader does",
            calls: [1, 1],
            mutation: Some(Mutation::FillComparesNoStamps),
            ..with("", one)
        },
        Scenario {
            name: "a put whose answer is lost",
            writes: &[Put],
            ..with("", Budget { timeouts: 1, ..one })
        },
    ]
}

/// Scenarios with the label in another slot.
fn split() -> Vec<Scenario> {
    use Write::{Delete, LeasedPut, Put, Tag};
    let with = |name, writes, budget| Scenario { name, writes, calls: [1, 1], budget, ..SPLIT };
    let (one, two) = (Budget { writes: 1, ..NOTHING }, Budget { writes: 2, ..NOTHING });
    let stale = |name, policy| Scenario {
        policy,
        calls: [0, 2],
        warm: true,
        ..with(name, &[Tag], Budget { ages: 1, failures: 1, ..one })
    };
    vec![
        Scenario { calls: [1, 2], ..with("split: a tag", &[Tag], one) },
        Scenario { unstamped: true, ..with("split: a tag without a stamp", &[Tag], one) },
        with("split: key and tag twice", &[Delete, Tag], two),
        with("split: a put and a tag", &[Put, Tag], two),
        Scenario {
            writers: 2,
            calls: [0, 1],
            warm: true,
            ..with("split: puts with leases and a tag race", &[LeasedPut, Tag], two)
        },
        stale("split: stale while revalidate", Policy::Revalidate),
        stale("split: stale if error", Policy::OnError),
        with("split: a node loses its content", &[Tag], Budget { flushes: 2, ..one }),
        with("split: an answer is lost", &[Delete, Tag], Budget { timeouts: 1, ..one }),
        with("split: all at once", &[Tag], Budget { lapses: 1, kills: 1, flushes: 1, timeouts: 1, ..one }),
        Scenario {
            mutation: Some(Mutation::FillComparesNoStamps),
            ..with("split: a fill compares no stamps, and the reader does", &[Tag], one)
        },
    ]
}

/// The same with a wrong step.
fn split_mutated() -> Vec<Scenario> {
    let broken = |name, mutation, budget| Scenario {
        name,
        mutation: Some(mutation),
        writes: &[Write::Tag],
        budget,
        ..SPLIT
    };
    let one = Budget { writes: 1, ..NOTHING };
    vec![
        broken("split: a reader compares no stamps", Mutation::ReaderComparesNoStamps, one),
        broken("split: a fill stores the current stamps", Mutation::StampsOfTheFill, one),
        broken("split: stamps are read after the computation", Mutation::StampsReadLate, one),
        Scenario {
            calls: [1, 2],
            ..broken("split: another lookup keeps the stamp of the first", Mutation::KeepsFirstStamp, one)
        },
        Scenario {
            calls: [1, 2],
            ..broken("split: an old stamp takes a lease", Mutation::OldStampsTakeLeases, one)
        },
        Scenario {
            calls: [1, 1],
            ..broken("split: a fill restores a stamp", Mutation::RestoresStamps, Budget { flushes: 1, ..one })
        },
        Scenario {
            calls: [1, 1],
            unstamped: true,
            ..broken("split: a missing stamp is created twice", Mutation::OverwritesStamps, NOTHING)
        },
    ]
}

/// Scenarios with leaders that are not polled.
fn stalled() -> Vec<Scenario> {
    let one = Budget { writes: 1, stalls: 1, ..NOTHING };
    let with = |name, budget| Scenario { name, calls: [2, 1], budget, ..PLAIN };
    vec![
        Scenario { writes: &[Write::Delete, Write::Tag], ..with("a leader is stalled", one) },
        with("two leaders are stalled", Budget { stalls: 2, ..one }),
        Scenario {
            policy: Policy::OnError,
            warm: true,
            ..with("a leader is stalled, stale if error", Budget { ages: 1, ..one })
        },
    ]
}

/// Scenarios with a wrong step.
fn mutated() -> Vec<Scenario> {
    let broken = |name, mutation, writes| Scenario { name, mutation: Some(mutation), writes, ..PLAIN };
    const KEY: &[Write] = &[Write::Delete];
    const TAG: &[Write] = &[Write::Tag];
    const PUT: &[Write] = &[Write::LeasedPut];
    let race = |name, mutation, writes| Scenario {
        name,
        mutation,
        writes,
        writers: 2,
        calls: [0, 1],
        budget: Budget { writes: 2, ..NOTHING },
        ..PLAIN
    };
    vec![
        broken("FILL as a plain SET", Mutation::PlainSet, KEY),
        broken("FILL stores the current stamps", Mutation::StampsOfTheFill, TAG),
        broken("stamps are read after the computation", Mutation::StampsReadLate, TAG),
        broken("a lease outside the slot", Mutation::LeaseOutsideTheSlot, KEY),
        broken("a flight is not voided by an invalidation", Mutation::FlightNotVoided, KEY),
        broken("a flight is followed whatever was read", Mutation::FollowBlindly, KEY),
        broken("an old find is shared with later callers", Mutation::SharesOldFinds, KEY),
        Scenario {
            policy: Policy::OnError,
            budget: Budget { ages: 1, kills: 1, ..NOTHING },
            warm: true,
            ..broken("a caller that waits for a lease never asks again", Mutation::AsksOnce, KEY)
        },
        broken("a void leader asks for the lease", Mutation::VoidLeaderAsks, KEY),
        Scenario {
            calls: [2, 0],
            budget: Budget { writes: 1, timeouts: 1, ..NOTHING },
            ..broken("the invalidation of a tag voids no flight", Mutation::TagsVoidNothing, TAG)
        },
        Scenario {
            budget: Budget { stalls: 1, ..NOTHING },
            ..broken("a stalled leader is followed", Mutation::FollowsStalled, KEY)
        },
        Scenario {
            policy: Policy::OnError,
            calls: [1, 1],
            budget: Budget { writes: 1, ages: 1, ..NOTHING },
            warm: true,
            ..broken("a refresh of a dropped entry", Mutation::RefreshesDroppedEntries, TAG)
        },
        Scenario {
            calls: [1, 0],
            budget: Budget { writes: 2, timeouts: 1, ..NOTHING },
            ..broken("a put takes no lease", Mutation::PutWithoutLease, &[Write::Put, Write::Delete])
        },
        race("a put takes its lease after the write to the database", None, &[Write::Put]),
        race("a put without its lease leaves the entry", Some(Mutation::RefusedPutsLeaveTheEntry), PUT),
        race("a put without its lease stores", Some(Mutation::PutsStoreWithoutLease), PUT),
        broken("a caller that is refused the lease computes", Mutation::RefusedCallersCompute, KEY),
    ]
}
