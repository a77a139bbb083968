//! The watch over leaders that calls wait for: wakes the calls behind a stalled one.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::flight_state::Flight;
use super::stall_limit::StallLimit;
use crate::rt::io;

/// The shortest time between two looks at the leaders.
const SHORTEST: Duration = Duration::from_millis(1);

/// The flights that calls wait for.
pub(super) struct WatchedFlights {
    limit: Arc<StallLimit>,
    watched: Mutex<WatchList>,
}

#[derive(Default)]
struct WatchList {
    flights: Vec<Weak<Flight>>,
    is_running: bool,
}

impl WatchedFlights {
    /// No flights.
    pub(super) fn new(limit: Arc<StallLimit>) -> Arc<Self> {
        Arc::new(Self { limit, watched: Mutex::default() })
    }

    /// Adds a flight, once.
    pub(super) fn add(self: &Arc<Self>, flight: &Arc<Flight>) {
        if flight.is_watched.swap(true, SeqCst) {
            return;
        }
        let mut watched = self.lock();
        watched.flights.push(Arc::downgrade(flight));
        if !std::mem::replace(&mut watched.is_running, true) {
            let flights = Arc::downgrade(self);
            io::spawn(Box::pin(watch(flights)));
        }
    }

    /// Wakes the calls behind stalled leaders. Returns `false` if no flight is left, which ends the task.
    fn wake(&self) -> bool {
        let mut watched = self.lock();
        watched.flights.retain(|flight| {
            let flight = flight.upgrade();
            if let Some(flight) = flight.as_ref().filter(|flight| flight.leader.is_stalled()) {
                flight.sender.send_modify(|_| {});
            }
            flight.is_some()
        });
        watched.is_running = !watched.flights.is_empty();
        watched.is_running
    }

    fn lock(&self) -> MutexGuard<'_, WatchList> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(flights: Weak<WatchedFlights>) {
    while let Some(limit) = flights.upgrade().map(|flights| Arc::clone(&flights.limit)) {
        let (pause, began) = ((limit.timeout() / 2).max(SHORTEST), Instant::now());
        tokio::time::sleep(pause).await;
        limit.late(began.elapsed().saturating_sub(pause + SHORTEST));
        if !flights.upgrade().is_some_and(|flights| flights.wake()) {
            return;
        }
    }
}
