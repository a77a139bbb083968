//! The sentinels by their ids, as far as they have answered.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::answers::Answer;

/// The time after which a sentinel that was not known before is not one that missed the last failover: sentinels tell each other the
/// configuration every two seconds.
const PROPAGATION: Duration = Duration::from_secs(10);

/// The sentinels by their ids, which they keep for as long as they keep their configuration.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(HashMap<String, Acquaintance>);

/// A sentinel that has answered.
#[derive(Debug)]
struct Acquaintance {
    /// The time of the first answer.
    since: Instant,
    /// The highest epoch so far. It never decreases, unless the sentinel was set up anew.
    highest: u64,
}

impl Acquaintances {
    /// Records an answer.
    pub(super) fn record(&mut self, answer: &Answer, now: Instant) {
        let new = Acquaintance { since: now, highest: answer.epoch };
        let known = self.0.entry(answer.sentinel.clone()).or_insert(new);
        known.highest = known.highest.max(answer.epoch);
    }

    /// Returns whether the sentinel of an answer was set up anew since the current server was chosen.
    pub(super) fn is_anew(&self, answer: &Answer, chosen: Instant, now: Instant) -> bool {
        self.0.get(&answer.sentinel).is_some_and(|known| {
            let is_new = known.since > chosen && now.duration_since(known.since) >= PROPAGATION;
            answer.epoch < known.highest || is_new
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::url::Address;

    fn answer(sentinel: &str, epoch: u64) -> Answer {
        let address = Address::Tcp { host: "h".to_owned(), port: 1 };
        Answer { sentinel: sentinel.to_owned(), address, epoch, sentinels: 3, is_anew: false }
    }

    #[test]
    fn a_lower_epoch_or_a_new_id_is_a_new_setup() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut known = Acquaintances::default();
        known.record(&answer("a", 4), at(0));
        assert!(!known.is_anew(&answer("a", 4), at(1), at(100)), "it missed a failover");
        known.record(&answer("a", 0), at(2));
        assert!(known.is_anew(&answer("a", 0), at(1), at(2)));
        known.record(&answer("b", 4), at(2));
        assert!(!known.is_anew(&answer("b", 4), at(1), at(11)), "it may not have been told yet");
        assert!(known.is_anew(&answer("b", 4), at(1), at(12)));
        assert!(!known.is_anew(&answer("b", 4), at(3), at(100)), "it was known when the server was chosen");
        assert!(!known.is_anew(&answer("c", 0), at(1), at(100)));
    }
}
