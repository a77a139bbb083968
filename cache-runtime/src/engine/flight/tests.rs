use bytes::Bytes;

use super::*;
use crate::codec::envelope;
use crate::engine::follower::Waited;
use crate::engine::neighbor::NeighborWait;
use crate::store::Token;
use crate::types::key::Key;
use crate::types::stamp::{CurrentStamps, Stamp};

const LONG: Duration = Duration::from_secs(30);

impl Flights {
    fn new(max_waiters: usize) -> Arc<Self> {
        Self::with_clock(Clock::default(), max_waiters, LONG)
    }
}

fn lead(flights: &Arc<Flights>, key: &str) -> Leader {
    match flights.join(key, &snapshot(&[]), 0) {
        Role::Lead(leader) => leader,
        _ => panic!("the key was taken"),
    }
}

fn follow(flights: &Arc<Flights>, key: &str) -> Follower {
    match flights.join(key, &snapshot(&[]), 0) {
        Role::Follow(follower) => follower,
        _ => panic!("the key was free"),
    }
}

#[tokio::test]
async fn a_completion_reaches_waiters_and_latecomers() {
    let flights = Flights::new(10);
    let mut leader = lead(&flights, "k");
    let early = follow(&flights, "k");
    leader.complete(Completion::Nothing);
    let late = follow(&flights, "k");
    assert!(matches!(early.wait(LONG).await, Waited::Completed(Completion::Nothing)));
    assert!(matches!(late.wait(LONG).await, Waited::Completed(Completion::Nothing)));
    drop(leader);
    assert_eq!(flights.len(), 0);
}

#[tokio::test]
async fn a_dropped_leader_frees_the_key_for_one_waiter() {
    let flights = Flights::new(10);
    let leader = lead(&flights, "k");
    let waiter = follow(&flights, "k");
    drop(leader);
    assert!(matches!(waiter.wait(LONG).await, Waited::Over));
    let _second = lead(&flights, "k");
    drop(follow(&flights, "k"));
}

#[tokio::test]
async fn waiters_are_bounded_in_number_and_time() {
    let flights = Flights::new(1);
    let _leader = lead(&flights, "k");
    let waiter = follow(&flights, "k");
    assert!(matches!(flights.join("k", &snapshot(&[]), 0), Role::Full));
    assert!(matches!(waiter.wait(Duration::from_millis(1)).await, Waited::TimedOut));
}

#[tokio::test]
async fn nobody_waits_for_what_was_invalidated() {
    let flights = Flights::new(10);
    let mut old = lead(&flights, "k");
    let waiter = follow(&flights, "k");
    flights.void("k");
    let new = lead(&flights, "k");
    assert!(old.is_void() && !new.is_void());
    old.complete(Completion::Nothing);
    drop(old);
    assert!(matches!(waiter.wait(LONG).await, Waited::Completed(Completion::Nothing)));
    // The old leader did not take the new one's place with it.
    drop(follow(&flights, "k"));
}

/// The snapshot of a call that begins now and finds no lease.
fn snapshot(stamps: &[Option<Stamp>]) -> Snapshot {
    Snapshot { tick: FUTURE - 1, stamps: stamps.into(), ..Snapshot::default() }
}

/// The stored bytes of a key without a value, leased by `token`.
fn leased_by(token: Token) -> Bytes {
    let key = Key::new("k".to_owned(), 0, 0);
    [&envelope::vacant(&key, 0)[..], &token.0, &[0xff; 8]].concat().into()
}

#[test]
fn a_call_does_not_wait_for_a_computation_under_another_stamp() {
    let flights = Flights::new(10);
    let mut old = lead(&flights, "k");
    old.begins(Basis::Stamps([Some([1; 16])].into()));
    assert!(matches!(flights.join("k", &snapshot(&[Some([1; 16])]), 0), Role::Follow(_)));
    let Role::Lead(_new) = flights.join("k", &snapshot(&[Some([2; 16])]), 0) else {
        panic!("it waits for the old one")
    };
    assert!(old.is_void());
    // It has not begun yet, so whatever it will begin under is new enough.
    assert!(matches!(flights.join("k", &snapshot(&[Some([3; 16])]), 0), Role::Follow(_)));
    flights.void_all(|key| key.starts_with('k'));
    assert_eq!(flights.len(), 0);
}

#[test]
fn a_call_does_not_wait_for_a_computation_that_lost_its_lease_before() {
    let flights = Flights::new(10);
    let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
    let early = flights.tick("k");
    let mut old = lead(&flights, "k");
    old.begins(Basis::Lease(mine, CurrentStamps::default()));
    let seeing = |holder: Option<Token>, tick| {
        let bytes = holder.map(leased_by).unwrap_or_default();
        flights.join("k", &Snapshot { tick, bytes, ..Snapshot::default() }, 0)
    };
    assert!(matches!(seeing(Some(mine), flights.tick("k")), Role::Follow(_)));
    // A call that began before the computation did need not see its lease.
    assert!(matches!(seeing(None, early), Role::Follow(_)));
    assert!(matches!(seeing(Some(theirs), flights.tick("k")), Role::Lead(_)));
    assert!(old.is_void());
}

#[test]
fn a_computation_without_a_lease_is_waited_out() {
    let flights = Flights::new(10);
    let at = |tick| flights.join("k", &Snapshot { tick, ..Snapshot::default() }, 0);
    let now = || flights.tick("k");
    let mut alone = lead(&flights, "k");
    alone.begins(Basis::Nothing);
    assert!(matches!(at(now()), Role::Queue(_)));
    // A call that cannot read the store follows it.
    let blind = Snapshot { tick: now(), is_blind: true, ..Snapshot::default() };
    assert!(matches!(flights.join("k", &blind, 0), Role::Follow(_)));
    drop(alone);
    let looking = lead(&flights, "k");
    let early = now();
    looking.begins_lookup();
    assert!(matches!(at(early), Role::Follow(_)));
    assert!(matches!(at(now()), Role::Queue(_)));
    looking.found_nothing();
    assert!(matches!(at(now()), Role::Follow(_)));
}

#[test]
fn a_key_backs_off_until_it_is_invalidated() {
    let flights = Flights::new(10);
    assert!(!flights.is_backing_off("k"));
    flights.back_off("k", LONG);
    assert!(flights.is_backing_off("k") && !flights.is_backing_off("other"));
    flights.void("k");
    assert!(!flights.is_backing_off("k"));
    flights.back_off("k", Duration::ZERO);
    assert!(!flights.is_backing_off("k"));
}

#[tokio::test]
async fn after_a_result_that_is_not_cached_one_call_leads_and_the_others_do_not_wait() {
    let flights = Flights::new(10);
    let leader = lead(&flights, "k");
    let waiter = follow(&flights, "k");
    leader.release(LONG);
    assert!(matches!(waiter.wait(LONG).await, Waited::Over));
    let _next = lead(&flights, "k");
    assert!(matches!(flights.join("k", &snapshot(&[]), 0), Role::Beside));
    assert!(flights.is_marked("k") && !flights.is_marked("other"));
    flights.unmark("k");
    drop(follow(&flights, "k"));
}

#[tokio::test]
async fn an_invalidation_removes_the_mark_and_an_older_result_sets_none() {
    let flights = Flights::new(10);
    let old = lead(&flights, "k");
    let waiter = follow(&flights, "k");
    flights.mark("k", LONG);
    flights.void("k");
    let _new = lead(&flights, "k");
    old.release(LONG);
    assert!(!flights.is_marked("k"));
    // Otherwise the call would wait for the new leader.
    assert!(matches!(waiter.wait(LONG).await, Waited::Completed(Completion::Unshared)));
    flights.mark("k", LONG);
    flights.void_all(|key| key == "k");
    assert!(!flights.is_marked("k"));
}

#[test]
fn a_panic_marks_the_key_and_a_cancellation_does_not() {
    let flights = Flights::new(10);
    drop(lead(&flights, "k"));
    assert!(!flights.is_marked("k"));
    let leader = lead(&flights, "k");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _leader = leader;
        panic!("as the test wants");
    }));
    assert!(panic.is_err() && flights.is_marked("k") && flights.len() == 0);
}

#[cfg(feature = "test-util")]
#[test]
fn a_mark_lasts_as_long_as_the_computation_took_within_limits() {
    use crate::types::clock::TestClock;
    let clock = TestClock::new();
    let flights = Flights::with_clock(Clock::of(clock.clone()), 10, LONG);
    let ms = Duration::from_millis;
    for (took, lasts) in [(ms(0), ms(10)), (ms(2_000), ms(2_000)), (ms(60_000), ms(5_000))] {
        flights.mark("k", took);
        clock.advance(lasts - lasts.min(ms(1_000)));
        // A second is left, or nearly nothing.
        assert!(flights.is_marked("k") || lasts < ms(1_000), "{took:?}");
        clock.advance(ms(1_000));
        assert!(!flights.is_marked("k"), "{took:?}");
    }
}

fn in_lane(flights: &Arc<Flights>, lane: u64) -> Role {
    flights.join("k", &snapshot(&[]), lane)
}

fn lead_lane(flights: &Arc<Flights>, lane: u64) -> Leader {
    match in_lane(flights, lane) {
        Role::Lead(leader) => leader,
        _ => panic!("the key was taken"),
    }
}

fn neighbor(flights: &Arc<Flights>, lane: u64) -> Neighbor {
    match in_lane(flights, lane) {
        Role::Neighbor(neighbor) => neighbor,
        _ => panic!("no flight of another lane"),
    }
}

#[tokio::test]
async fn a_call_of_another_lane_waits_for_the_lease_and_not_for_the_result() {
    let flights = Flights::new(10);
    let mut leader = lead_lane(&flights, 1);
    assert!(matches!(in_lane(&flights, 1), Role::Follow(_)));
    let mut waits = std::pin::pin!(neighbor(&flights, 2).begun(LONG));
    tokio::select! {
        biased;
        _ = waits.as_mut() => panic!("it has not begun"),
        () = std::future::ready(()) => {}
    }
    leader.begins(Basis::Stamps(CurrentStamps::default()));
    let NeighborWait::Begun(beginning) = waits.await else { panic!("it has begun") };
    assert_eq!(Some(beginning.stamp), leader.stamp());
    // The calls of the second lane have a leader of their own.
    let Role::Lead(other) = flights.join_lane("k", &snapshot(&[]), 2) else { panic!("it is the first") };
    assert!(matches!(flights.join_lane("k", &snapshot(&[]), 2), Role::Follow(_)));
    flights.void("k");
    assert!(leader.is_void() && other.is_void() && flights.len() == 0);
}

#[tokio::test]
async fn a_neighbor_may_find_a_value_or_go_away() {
    let flights = Flights::new(10);
    let mut leader = lead_lane(&flights, 1);
    let waits = neighbor(&flights, 2);
    leader.complete(Completion::Nothing);
    assert!(matches!(waits.begun(LONG).await, NeighborWait::Found(Completion::Nothing)));
    drop(leader);
    let gone = lead_lane(&flights, 1);
    let waits = neighbor(&flights, 2);
    drop(gone);
    assert!(matches!(waits.begun(LONG).await, NeighborWait::Over));
    assert_eq!(flights.len(), 0);
}

#[test]
fn lanes_are_invalidated_with_every_key_that_matches() {
    let flights = Flights::new(10);
    let first = lead_lane(&flights, 1);
    let Role::Lead(second) = flights.join_lane("k", &snapshot(&[]), 2) else { panic!("it is the first") };
    flights.void_all(|key| key == "k");
    assert!(first.is_void() && second.is_void());
    second.mark(LONG);
    assert!(!flights.is_marked("k"));
}
