//! Leaders that are not polled, and calls that wait for one another in a circle.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, poll_immediate, select};
use futures_util::stream::{self, StreamExt};
use larder::{Cache, cache};
use support::stores::{Calls, Gate, LONG, caches, caches_with, in_time};

const WORK: Duration = Duration::from_millis(20);
/// Far below `max_wait`, which is 10 s, and far above `stall_timeout` and `WORK`.
const SOON: Duration = Duration::from_secs(4);

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn slow(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    tokio::time::sleep(WORK).await;
    n
}

/// The consumer of a stream calls in its loop what the stream computes: the stream is not polled meanwhile.
#[tokio::test]
async fn a_stream_whose_consumer_calls_the_same_function() {
    for cache in &caches().await {
        let calls = Calls::default();
        let began = Instant::now();
        let mut stream = stream::iter(0..4_u64).map(|n| slow(cache, &calls, n)).buffer_unordered(4);
        let mut sum = 0;
        while let Some(first) = stream.next().await {
            sum += first;
            sum += in_time(slow(cache, &calls, 3)).await;
        }
        assert_eq!(sum, 6 + 4 * 3);
        assert!(began.elapsed() < SOON, "{cache:?}: {:?}", began.elapsed());
        assert!(calls.count() <= 8, "{cache:?}: {}", calls.count());
    }
}

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn yields(cache: &Cache, calls: &Calls) -> u64 {
    calls.add();
    // Woken at once, unlike by tokio's own, which waits for the end of the task's turn.
    let mut is_woken = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut is_woken, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    7
}

/// A task that polls many calls in turn: the leader is woken, and its turn comes after all others.
#[tokio::test]
async fn a_leader_whose_turn_comes_late_is_not_stalled() {
    for cache in &caches_with(|builder| builder.stall_timeout(Duration::from_millis(1))).await {
        let calls = Calls::default();
        let call = |_| async {
            // The processor is busy with other futures of the task.
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(5) {
                std::hint::spin_loop();
            }
            yields(cache, &calls).await
        };
        assert_eq!(in_time(join_all((0..40).map(call))).await, [7; 40]);
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

/// A branch of `select!` that is held and not polled.
#[tokio::test]
async fn a_branch_that_lost_and_is_held() {
    for cache in &caches().await {
        let calls = Calls::default();
        let mut held = pin!(slow(cache, &calls, 1));
        // Until the function runs.
        while calls.count() == 0 {
            assert!(poll_immediate(held.as_mut()).await.is_none());
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        let Either::Left((1, _)) = select(pin!(slow(cache, &calls, 1)), pin!(tokio::time::sleep(SOON))).await
        else {
            panic!("{cache:?}: it waits for a leader that is not polled");
        };
        assert!(began.elapsed() < SOON);
        // The one that is held has its result, too, and the value is cached.
        assert_eq!(in_time(held).await, 1);
        assert_eq!(slow(cache, &calls, 1).await, 1);
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

/// On Redis a leader that was polled once has not reached its body.
#[tokio::test]
async fn a_future_that_was_polled_once() {
    for cache in &caches().await {
        let calls = Calls::default();
        let mut held = Box::pin(slow(cache, &calls, 2));
        assert!(poll_immediate(held.as_mut()).await.is_none());
        let began = Instant::now();
        assert_eq!(in_time(slow(cache, &calls, 2)).await, 2);
        assert!(began.elapsed() < SOON, "{cache:?}: {:?}", began.elapsed());
        drop(held);
        assert_eq!(slow(cache, &calls, 2).await, 2);
        assert!(calls.count() <= 2, "{cache:?}: {}", calls.count());
    }
}

/// A leader that waits for I/O was not woken: it is not stalled, however long it takes.
#[tokio::test]
async fn a_leader_that_waits_for_io_is_waited_for() {
    for cache in caches_with(|builder| builder.stall_timeout(Duration::from_millis(5))).await {
        #[cache(expire = "5m", ignore(calls), cache = cache)]
        async fn patient(cache: &Cache, calls: &Calls) -> usize {
            tokio::time::sleep(Duration::from_millis(300)).await;
            calls.add()
        }

        let calls = Calls::default();
        let all = (0..20).map(|_| patient(&cache, &calls));
        assert_eq!(in_time(join_all(all)).await, [0; 20], "{cache:?}");
    }
}

/// A leader that computes without a pause is being polled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_computes_is_waited_for() {
    for cache in caches_with(|builder| builder.stall_timeout(Duration::from_millis(5))).await {
        #[cache(expire = "5m", ignore(calls), cache = cache)]
        async fn busy(cache: Cache, calls: Arc<Calls>) -> usize {
            // Wakes itself, and is polled on for longer than the limit.
            poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::Ready(())
            })
            .await;
            let before = calls.add();
            std::thread::sleep(Duration::from_millis(200));
            before
        }

        let calls = Arc::new(Calls::default());
        let leader = tokio::spawn(busy(cache.clone(), Arc::clone(&calls)));
        support::wait::eventually_async(LONG, || async { calls.count() == 1 }).await;
        assert_eq!(in_time(busy(cache.clone(), Arc::clone(&calls))).await, 0, "{cache:?}");
        assert_eq!(leader.await.expect("no panic"), 0);
    }
}

/// Two functions that need each other, in two tasks: each task computes one, and waits for the other one.
#[tokio::test]
async fn a_circle_of_two_calls() {
    /// Holds the first two computations until both are there.
    #[derive(Default)]
    struct Meeting(Calls, Gate);

    impl Meeting {
        async fn attend(&self) {
            match self.0.add() {
                0 => self.1.pass().await,
                _ => self.1.open(),
            }
        }
    }

    #[cache(expire = "5m", ignore(meeting, goes_on), cache = cache)]
    async fn left(cache: &Cache, meeting: &Meeting, n: u32, goes_on: bool) -> u32 {
        meeting.attend().await;
        if goes_on { right(cache, meeting, n, false).await + 1 } else { n }
    }

    #[cache(expire = "5m", ignore(meeting, goes_on), cache = cache)]
    async fn right(cache: &Cache, meeting: &Meeting, n: u32, goes_on: bool) -> u32 {
        meeting.attend().await;
        if goes_on { Box::pin(left(cache, meeting, n, false)).await + 1 } else { n }
    }

    for cache in &caches().await {
        let (meeting, began) = (Meeting::default(), Instant::now());
        let both = join(left(cache, &meeting, 1, true), right(cache, &meeting, 1, true));
        let (one, other) = in_time(both).await;
        assert!(began.elapsed() < SOON, "{cache:?}: {:?}", began.elapsed());
        // One of the two computed what the other one was computing.
        assert!([(2, 3), (3, 2)].contains(&(one, other)), "{cache:?}: {one} {other}");
        assert_eq!(cache.health().await.computing, 0);
    }
}
