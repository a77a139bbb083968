use super::*;
use crate::codec::envelope;
use crate::types::key::Key;
use crate::types::stamp::Stamp;

const LONG: Duration = Duration::from_secs(30);

fn lead(flights: &Arc<Flights>, key: &str) -> Leader {
    match flights.join(key, &snapshot(&[])) {
        Role::Lead(leader) => leader,
        Role::Follow(_) | Role::Queue(_) | Role::Full | Role::Beside => panic!("the key was taken"),
    }
}

fn follow(flights: &Arc<Flights>, key: &str) -> Follower {
    match flights.join(key, &snapshot(&[])) {
        Role::Follow(follower) => follower,
        Role::Lead(_) | Role::Queue(_) | Role::Full | Role::Beside => panic!("the key was free"),
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
    assert!(matches!(flights.join("k", &snapshot(&[])), Role::Full));
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
    let key = Key::new("k".to_owned(), 0);
    [&envelope::vacant(&key, 0)[..], &token.0, &[0xff; 8]].concat().into()
}

#[test]
fn a_call_does_not_wait_for_a_computation_under_another_stamp() {
    let flights = Flights::new(10);
    let mut old = lead(&flights, "k");
    old.begins(Basis::Stamps([Some([1; 16])].into()));
    assert!(matches!(flights.join("k", &snapshot(&[Some([1; 16])])), Role::Follow(_)));
    let Role::Lead(_new) = flights.join("k", &snapshot(&[Some([2; 16])])) else {
        panic!("it waits for the old one")
    };
    assert!(old.is_void());
    // It has not begun yet, so whatever it will begin under is new enough.
    assert!(matches!(flights.join("k", &snapshot(&[Some([3; 16])])), Role::Follow(_)));
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
        flights.join("k", &Snapshot { tick, bytes, ..Snapshot::default() })
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
    let at = |tick| flights.join("k", &Snapshot { tick, ..Snapshot::default() });
    let now = || flights.tick("k");
    let mut alone = lead(&flights, "k");
    alone.begins(Basis::Nothing);
    assert!(matches!(at(now()), Role::Queue(_)));
    // A call that cannot read the store follows it.
    let blind = Snapshot { tick: now(), is_blind: true, ..Snapshot::default() };
    assert!(matches!(flights.join("k", &blind), Role::Follow(_)));
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
