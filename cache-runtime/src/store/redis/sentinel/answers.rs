//! The answers of sentinels, and the server that they amount to.

use crate::store::redis::url::Address;

/// The answer of one sentinel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The id of the sentinel, which may be reached under several addresses.
    pub(super) sentinel: String,
    /// The server that the sentinel names.
    pub(super) address: Address,
    /// The epoch of the configuration, which increases with each failover; zero if the sentinel does not say.
    pub(super) epoch: u64,
    /// The number of sentinels that the sentinel knows, itself included.
    pub(super) sentinels: usize,
    /// The sentinel was set up anew, so that a low epoch is no sign of a failover that it has missed.
    pub(super) is_anew: bool,
}

/// The server that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) address: Address,
    pub(super) epoch: u64,
}

/// Chooses the server with the highest epoch: a majority of sentinels has agreed to each epoch, so that one sentinel knows more
/// than any number of others with a lower one. Within an epoch the votes decide.
///
/// An epoch below that of the `current` server is that of a sentinel which has missed a failover, however many say so: the one that led
/// the failover may be the only one that knows, and not answer for a moment. It counts only if a majority was set up anew.
/// `None` if the answers change nothing.
pub(super) fn choose(answers: &[Answer], current: Option<&Choice>) -> Option<Choice> {
    let voters = |of: &Answer, counts: fn(&Answer) -> bool| {
        let same =
            |answer: &&Answer| (answer.epoch, &answer.address) == (of.epoch, &of.address) && counts(answer);
        let mut voters: Vec<&str> = answers.iter().filter(same).map(|answer| &*answer.sentinel).collect();
        voters.sort_unstable();
        voters.dedup();
        voters.len()
    };
    let votes = |of: &Answer| voters(of, |_| true);
    let sentinels = answers.iter().map(|answer| answer.sentinels).max().unwrap_or_default();
    let is_current = |answer: &&Answer| current.is_some_and(|current| current.address == answer.address);
    let counts = |answer: &&Answer| {
        current.is_none_or(|current| answer.epoch >= current.epoch)
            || voters(answer, |answer| answer.is_anew) > sentinels / 2
    };
    let rank = |answer: &&Answer| (answer.epoch, votes(answer), is_current(answer));
    let best = answers.iter().filter(counts).max_by_key(rank)?;
    let choice = Choice { address: best.address.clone(), epoch: best.epoch };
    (current != Some(&choice)).then_some(choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Address {
        Address::Tcp { host: "h".to_owned(), port }
    }

    fn answer(sentinel: &str, port: u16, epoch: u64) -> Answer {
        Answer { sentinel: sentinel.to_owned(), address: at(port), epoch, sentinels: 3, is_anew: false }
    }

    fn anew(sentinel: &str, port: u16, epoch: u64) -> Answer {
        Answer { is_anew: true, ..answer(sentinel, port, epoch) }
    }

    fn choice(port: u16, epoch: u64) -> Choice {
        Choice { address: at(port), epoch }
    }

    #[test]
    fn the_highest_epoch_decides_and_not_the_number() {
        let answers = [answer("a", 1, 4), answer("b", 1, 4), answer("c", 2, 5)];
        assert_eq!(choose(&answers, None), Some(choice(2, 5)));
        assert_eq!(choose(&answers, Some(&choice(1, 4))), Some(choice(2, 5)));
        assert_eq!(choose(&answers, Some(&choice(2, 5))), None);
    }

    #[test]
    fn a_sentinel_that_missed_a_failover_does_not_lead_back() {
        assert_eq!(choose(&[answer("a", 1, 4)], Some(&choice(2, 5))), None);
        // The same sentinel under two addresses is one.
        let twice = [answer("a", 1, 4), answer("a", 1, 4)];
        assert_eq!(choose(&twice, Some(&choice(2, 5))), None);
        // Nor does a majority, while the one that led the failover does not answer.
        let majority = [answer("a", 1, 4), answer("b", 1, 4)];
        assert_eq!(choose(&majority, Some(&choice(2, 5))), None);
        assert_eq!(choose(&[anew("a", 1, 4), answer("b", 1, 4)], Some(&choice(2, 5))), None);
    }

    #[test]
    fn sentinels_that_were_set_up_anew_are_followed() {
        let answers = [anew("a", 3, 0), anew("b", 3, 0)];
        assert_eq!(choose(&answers, Some(&choice(2, 5))), Some(choice(3, 0)));
        let answers = [answer("a", 1, 4), anew("b", 3, 0), anew("c", 3, 0)];
        assert_eq!(choose(&answers, Some(&choice(2, 5))), Some(choice(3, 0)));
    }

    #[test]
    fn without_epochs_the_majority_decides_and_a_tie_changes_nothing() {
        let answers = [answer("a", 1, 0), answer("b", 2, 0), answer("c", 2, 0)];
        assert_eq!(choose(&answers, Some(&choice(1, 0))), Some(choice(2, 0)));
        assert_eq!(choose(&answers[..2], Some(&choice(1, 0))), None);
        assert_eq!(choose(&answers[..2], Some(&choice(2, 0))), None);
        assert_eq!(choose(&[], Some(&choice(2, 0))), None);
    }
}
