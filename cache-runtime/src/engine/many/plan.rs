//! The plan of a call for several ids: a pure decision about the next step.

/// The state of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdState {
    /// It may have to be computed: it waits for the store.
    Open,
    /// It is to be computed.
    Asked,
    /// Another call computes it.
    Waits,
    /// It is being computed.
    Computing,
    /// Its value is known, and may be on its way to the store.
    Answered,
    /// Its result is there.
    Done,
}

/// The next step of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Compute these ids together.
    Compute(Vec<usize>),
    /// Wait until a state changes.
    Wait,
    /// All results are there.
    Finish,
}

/// Decides the next step from the states of all ids.
///
/// No computation begins while one is running, or while the store may still send an id to it. Ids that other calls compute hold
/// nothing back: two calls that wait for each other's ids would wait for ever.
pub(super) fn plan(states: impl Iterator<Item = IdState> + Clone) -> Step {
    if states.clone().all(|state| state == IdState::Done) {
        return Step::Finish;
    }
    if states.clone().any(|state| matches!(state, IdState::Open | IdState::Computing)) {
        return Step::Wait;
    }
    let asked: Vec<usize> =
        states.enumerate().filter(|(_, state)| *state == IdState::Asked).map(|(index, _)| index).collect();
    if asked.is_empty() { Step::Wait } else { Step::Compute(asked) }
}

#[cfg(test)]
mod tests {
    use super::IdState::{Answered, Asked, Computing, Done, Open, Waits};
    use super::*;

    fn step(states: &[IdState]) -> Step {
        plan(states.iter().copied())
    }

    #[test]
    fn the_ids_of_a_call_are_computed_together() {
        assert_eq!(step(&[Done, Asked, Open]), Step::Wait, "the store may send another one");
        assert_eq!(step(&[Done, Asked, Asked]), Step::Compute(vec![1, 2]));
    }

    #[test]
    fn ids_of_other_calls_hold_nothing_back() {
        assert_eq!(step(&[Asked, Waits]), Step::Compute(vec![0]));
        assert_eq!(step(&[Done, Waits]), Step::Wait);
        assert_eq!(step(&[Answered, Asked]), Step::Compute(vec![1]), "another call did not compute it");
    }

    #[test]
    fn one_computation_runs_at_a_time() {
        assert_eq!(step(&[Computing, Asked]), Step::Wait);
        assert_eq!(step(&[Answered, Done]), Step::Wait);
        assert_eq!(step(&[Done, Done]), Step::Finish);
        assert_eq!(step(&[]), Step::Finish);
    }
}
