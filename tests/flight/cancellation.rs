//! A cancelled caller neither hangs nor fails the others, and leaks nothing.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{join_all, poll_immediate};
use larder::{Cache, cache};
use support::stores::{Calls, Gate, LONG, caches, counts, in_time, settle};
use support::wait::eventually_async;

/// A source whose first computation stops at the gate.
#[cache(expire = "1m", cache = cache)]
async fn first_waits(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> u64 {
    if calls.add() == 0 {
        gate.pass().await;
    }
    id * 2
}

fn spawn(cache: &Cache, calls: &Arc<Calls>, gate: &Arc<Gate>) -> tokio::task::JoinHandle<u64> {
    let (cache, calls, gate) = (cache.clone(), Arc::clone(calls), Arc::clone(gate));
    tokio::spawn(async move { first_waits(&cache, &calls, &gate, 1).await })
}

#[tokio::test]
async fn a_cancelled_leader_hands_over_to_one_waiter() {
    for cache in caches().await {
        let (calls, gate) = (Arc::default(), Arc::new(Gate::default()));
        let leader = spawn(&cache, &calls, &gate);
        gate.arrived(1).await;
        let waiters: Vec<_> = (0..50).map(|_| spawn(&cache, &calls, &gate)).collect();
        settle(&cache).await;
        leader.abort();
        assert!(leader.await.is_err_and(|error| error.is_cancelled()));
        for value in in_time(join_all(waiters)).await {
            assert_eq!(value.expect("no panic"), 2);
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

/// Counts the computations that run at the same time.
#[derive(Default)]
struct Running {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One computation that runs, until it ends or is dropped.
struct Run<'a>(&'a Running);

impl<'a> Run<'a> {
    fn new(running: &'a Running) -> Self {
        running.most.fetch_max(running.now.fetch_add(1, SeqCst) + 1, SeqCst);
        Self(running)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leaders_cancelled_one_after_the_other() {
    for cache in caches().await {
        let (running, gate) = (Arc::new(Running::default()), Arc::new(Gate::default()));
        let mut callers: Vec<_> = Vec::new();
        for _ in 0..20 {
            let (cache, running, gate) = (cache.clone(), Arc::clone(&running), Arc::clone(&gate));
            callers.push(tokio::spawn(async move {
                cache
                    .remember("k", "1m", || async {
                        let _run = Run::new(&running);
                        gate.pass().await;
                        7
                    })
                    .await
            }));
        }
        // The test cannot know the leader, so it cancels all callers but one: after each, one of those left computes.
        while callers.len() > 1 {
            eventually_async(LONG, || async { running.now.load(SeqCst) == 1 }).await;
            let caller = callers.swap_remove(0);
            caller.abort();
            assert!(in_time(caller).await.is_err_and(|error| error.is_cancelled()));
        }
        gate.open();
        assert_eq!(in_time(callers.remove(0)).await.expect("no panic"), 7);
        assert_eq!(running.most.load(SeqCst), 1, "one at a time on {cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn a_dropped_waiter_affects_no_other_caller() {
    for cache in caches().await {
        let (calls, gate) = (Arc::default(), Arc::new(Gate::default()));
        let leader = spawn(&cache, &calls, &gate);
        gate.arrived(1).await;
        let waiters: Vec<_> = (0..20).map(|_| spawn(&cache, &calls, &gate)).collect();
        settle(&cache).await;
        for waiter in &waiters[..19] {
            waiter.abort();
        }
        settle(&cache).await;
        gate.open();
        assert_eq!(in_time(leader).await.expect("no panic"), 2);
        for waiter in in_time(join_all(waiters)).await.split_off(19) {
            assert_eq!(waiter.expect("no panic"), 2);
        }
        assert_eq!((calls.count(), counts(&cache, "first_waits").waits), (1, 1), "{cache:?}");
    }
}

/// The waiting calls do not wait for a leader that could go on and is not polled: one of them takes its place.
#[tokio::test]
async fn a_leader_that_is_not_polled_is_replaced() {
    for cache in caches().await {
        let (calls, gate) = (Calls::default(), Gate::default());
        let mut leader = pin!(first_waits(&cache, &calls, &gate, 1));
        tokio::select! {
            biased;
            _ = &mut leader => panic!("the gate is closed"),
            () = gate.arrived(1) => {}
        }
        gate.open();
        // From here on the leader is not polled.
        let values = in_time(join_all((0..10).map(|_| first_waits(&cache, &calls, &gate, 1)))).await;
        assert_eq!(values, [2; 10]);
        assert_eq!((calls.count(), counts(&cache, "first_waits").stores), (2, 1), "{cache:?}");
        assert_eq!(in_time(leader).await, 2);
        assert_eq!(counts(&cache, "first_waits").stores, 1, "the lease went to the other one");
        assert_eq!(first_waits(&cache, &calls, &gate, 1).await, 2);
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

/// A leader leads until its body is gone: nobody computes beside destructors that still run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_leader_leads_until_its_body_is_gone() {
    /// Takes its time to be dropped.
    struct Slow<'a>(Option<Run<'a>>);

    impl Drop for Slow<'_> {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(100));
            self.0.take();
        }
    }

    #[cache(expire = "1m", ignore(running), cache = cache)]
    async fn transaction(cache: &Cache, running: &Running, gate: &Gate) -> u32 {
        let _slow = Slow(Some(Run::new(running)));
        gate.pass().await;
        1
    }

    for cache in caches().await {
        let (running, gate) = (Arc::new(Running::default()), Arc::new(Gate::default()));
        let spawn = || {
            let (cache, running, gate) = (cache.clone(), Arc::clone(&running), Arc::clone(&gate));
            tokio::spawn(async move { transaction(&cache, &running, &gate).await })
        };
        let leader = spawn();
        gate.arrived(1).await;
        let next = spawn();
        settle(&cache).await;
        leader.abort();
        gate.arrived(2).await;
        gate.open();
        assert_eq!(in_time(next).await.expect("no panic"), 1);
        assert_eq!(running.most.load(SeqCst), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn a_future_that_was_polled_once_and_forgotten_frees_its_key() {
    for cache in caches().await {
        let calls = Calls::default();
        let gate = Gate::default();
        {
            let mut forgotten = pin!(first_waits(&cache, &calls, &gate, 1));
            assert_eq!(poll_immediate(&mut forgotten).await, None);
        }
        drop(first_waits(&cache, &calls, &gate, 1));
        gate.open();
        assert_eq!(in_time(first_waits(&cache, &calls, &gate, 1)).await, 2);
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[cache(expire = "1m", group = "steps", cache = cache)]
async fn in_steps(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    calls.add();
    id * 2
}

/// Polls a future `polls` times and drops it then.
async fn give_up<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_call_can_be_dropped_at_every_point() {
    for cache in caches().await {
        let (mut given_up, mut id) = (0, 0);
        for polls in 0..20 {
            for _ in 0..5 {
                id += 1;
                let calls = Calls::default();
                given_up += usize::from(give_up(polls, in_steps(&cache, &calls, id)).await.is_none());
                let waited = in_time(async {
                    tokio::join!(in_steps(&cache, &calls, id), in_steps(&cache, &calls, id))
                });
                assert_eq!(waited.await, (id * 2, id * 2), "{cache:?} after {polls} polls");
                assert!(calls.count() <= 2, "{cache:?} after {polls} polls");
            }
        }
        assert!(given_up >= 15, "{cache:?}: {given_up}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_times_out_does_not_delay_the_next() {
    for cache in caches().await {
        for round in 0..100 {
            let calls = Calls::default();
            let limit = Duration::from_micros(20 * round);
            drop(tokio::time::timeout(limit, in_steps(&cache, &calls, round)).await);
            assert_eq!(in_time(in_steps(&cache, &calls, round)).await, round * 2);
        }
        eventually_async(LONG, || async { cache.health().await.computing == 0 }).await;
    }
}

#[test]
fn a_runtime_that_ends_with_the_leader_in_it_frees_the_key() {
    let main = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in main.block_on(caches()) {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let other = tokio::runtime::Runtime::new().expect("a runtime");
        let leader = {
            let _inside = other.enter();
            spawn(&cache, &calls, &gate)
        };
        main.block_on(gate.arrived(1));
        let waiter = {
            let _inside = main.enter();
            spawn(&cache, &calls, &gate)
        };
        other.shutdown_background();
        assert_eq!(main.block_on(in_time(waiter)).expect("no panic"), 2);
        assert!(main.block_on(in_time(leader)).is_err());
        assert_eq!((calls.count(), cache.blocking().health().computing), (2, 0), "{cache:?}");
    }
}
