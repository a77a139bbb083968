//! The facts about tokens, for stores in the memory of this process. `script` has the same rules in Redis.

use std::collections::HashMap;

/// A hash of a token's id, a user or a family.
pub(super) type TokenHash = [u8; 16];

/// The smallest number of facts at which those that have ended are removed.
const FEW: usize = 1_024;

/// The state of a token: whether its id was revoked, and the generation of its user, if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenState {
    pub(super) is_revoked: bool,
    pub(super) generation: Option<u64>,
}

/// The outcome of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rotated {
    /// The current number of the family, and its user.
    Current(u64, String),
    /// The number was used before: the family has ended.
    Reused,
    /// There is no such family, or it ended with the generation of its user.
    Unknown,
}

/// Facts that end, by hashes. All moments are microseconds.
#[derive(Debug, Default)]
pub(super) struct TokenLedger {
    revoked: Facts<()>,
    generations: Facts<u64>,
    families: Facts<Family>,
}

#[derive(Debug)]
struct Facts<T> {
    facts: HashMap<TokenHash, (T, u64)>,
    /// The number of facts at which those that have ended are removed.
    full: usize,
}

#[derive(Debug)]
struct Family {
    number: u64,
    rotated: u64,
    generation: u64,
    user: String,
}

impl TokenState {
    /// Returns `true` if a token of this generation is accepted. Without a generation nobody has logged in since it was lost.
    pub(super) fn accepts(self, generation: u64) -> bool {
        !self.is_revoked && self.generation == Some(generation)
    }
}

impl TokenLedger {
    /// Revokes the id of a token until a moment; an earlier one shortens nothing.
    pub(super) fn revoke(&mut self, token: TokenHash, until: u64, now: u64) {
        let until = self.revoked.ends_at(&token, now).map_or(until, |end| end.max(until));
        if until > now {
            self.revoked.insert(token, (), until, now);
        }
    }

    /// Returns what is known of a token.
    pub(super) fn state(&self, token: &TokenHash, user: &TokenHash, now: u64) -> TokenState {
        TokenState {
            is_revoked: self.revoked.get(token, now).is_some(),
            generation: self.generations.get(user, now).copied(),
        }
    }

    /// Returns the generation of a user, which begins now if there is none, or a new one. It is kept for `keep` at least.
    pub(super) fn generation(&mut self, user: TokenHash, is_new: bool, keep: u64, now: u64) -> u64 {
        let held = self.generations.get(&user, now).copied();
        let number = match held {
            Some(held) if is_new => now.max(held + 1),
            held => held.unwrap_or(now),
        };
        let end = self.generations.ends_at(&user, now).unwrap_or(0).max(now.saturating_add(keep));
        self.generations.insert(user, number, end, now);
        number
    }

    /// Begins a family, and returns its first number.
    pub(super) fn begin(
        &mut self,
        family: TokenHash,
        user: TokenHash,
        name: &str,
        expire: u64,
        now: u64,
    ) -> u64 {
        let generation = self.generation(user, false, expire, now);
        let family_state = Family { number: 1, rotated: 0, generation, user: name.to_owned() };
        self.families.insert(family, family_state, now.saturating_add(expire), now);
        1
    }

    /// Rotates a family. The number before the current one counts as the current one for `grace`.
    pub(super) fn rotate(
        &mut self,
        family: &TokenHash,
        user: &TokenHash,
        number: u64,
        grace: u64,
        now: u64,
    ) -> Rotated {
        let generation = self.generations.get(user, now).copied();
        let Some(known) = self.families.get_mut(family, now) else { return Rotated::Unknown };
        if generation != Some(known.generation) {
            self.families.facts.remove(family);
            return Rotated::Unknown;
        }
        if number == known.number {
            (known.number, known.rotated) = (number + 1, now);
        } else if number + 1 != known.number || now >= known.rotated.saturating_add(grace) {
            self.families.facts.remove(family);
            return Rotated::Reused;
        }
        Rotated::Current(known.number, known.user.clone())
    }

    /// Ends a family.
    pub(super) fn end(&mut self, family: &TokenHash) {
        self.families.facts.remove(family);
    }
}

impl<T> Facts<T> {
    fn get(&self, hash: &TokenHash, now: u64) -> Option<&T> {
        self.facts.get(hash).filter(|(_, end)| now < *end).map(|(fact, _)| fact)
    }

    fn get_mut(&mut self, hash: &TokenHash, now: u64) -> Option<&mut T> {
        self.facts.get_mut(hash).filter(|(_, end)| now < *end).map(|(fact, _)| fact)
    }

    fn ends_at(&self, hash: &TokenHash, now: u64) -> Option<u64> {
        self.facts.get(hash).map(|(_, end)| *end).filter(|end| now < *end)
    }

    /// Inserts a fact, and removes those that have ended whenever their number has doubled.
    fn insert(&mut self, hash: TokenHash, fact: T, end: u64, now: u64) {
        if self.facts.len() >= self.full {
            self.facts.retain(|_, (_, end)| now < *end);
            self.full = (self.facts.len() * 2).max(FEW);
        }
        self.facts.insert(hash, (fact, end));
    }
}

impl<T> Default for Facts<T> {
    fn default() -> Self {
        Self { facts: HashMap::new(), full: FEW }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: TokenHash = [1; 16];
    const USER: TokenHash = [2; 16];
    const FAMILY: TokenHash = [3; 16];

    #[test]
    fn a_revocation_ends_with_the_token_and_is_never_shortened() {
        let mut ledger = TokenLedger::default();
        let generation = ledger.generation(USER, false, 1_000, 10);
        let accepts = |ledger: &TokenLedger, now| ledger.state(&TOKEN, &USER, now).accepts(generation);
        assert!(accepts(&ledger, 11));
        ledger.revoke(TOKEN, 100, 20);
        ledger.revoke(TOKEN, 50, 21);
        assert!(!accepts(&ledger, 99) && accepts(&ledger, 100));
        // A token that has ended is not worth a fact.
        ledger.revoke(TOKEN, 100, 100);
        assert!(accepts(&ledger, 100));
    }

    #[test]
    fn a_generation_is_new_after_each_bump_and_after_a_loss() {
        let mut ledger = TokenLedger::default();
        let first = ledger.generation(USER, false, 100, 10);
        assert_eq!(ledger.generation(USER, false, 100, 20), first);
        let second = ledger.generation(USER, true, 100, 20);
        // A clock that stands still or is set back.
        let third = ledger.generation(USER, true, 100, 20);
        let fourth = ledger.generation(USER, true, 100, 15);
        assert!(first < second && second < third && third < fourth);
        let state = |ledger: &TokenLedger, now| ledger.state(&TOKEN, &USER, now);
        assert!(!state(&ledger, 30).accepts(third) && state(&ledger, 30).accepts(fourth));
        assert_eq!(state(&ledger, 500).generation, None);
        assert!(!state(&ledger, 500).accepts(fourth));
        assert!(ledger.generation(USER, false, 100, 500) > fourth);
    }

    #[test]
    fn a_rotation_can_be_repeated_within_the_grace_only() {
        let mut ledger = TokenLedger::default();
        let current = |number| Rotated::Current(number, "ada".to_owned());
        assert_eq!(ledger.begin(FAMILY, USER, "ada", 1_000, 0), 1);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 5), current(2));
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 14), current(2));
        assert_eq!(ledger.rotate(&FAMILY, &USER, 2, 10, 14), current(3));
        // The number before the last one.
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 15), Rotated::Reused);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 3, 10, 15), Rotated::Unknown);
        ledger.begin(FAMILY, USER, "ada", 1_000, 20);
        ledger.rotate(&FAMILY, &USER, 1, 0, 20);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 0, 20), Rotated::Reused);
    }

    #[test]
    fn a_family_ends_with_its_time_its_generation_and_by_itself() {
        let mut ledger = TokenLedger::default();
        ledger.begin(FAMILY, USER, "ada", 1_000, 0);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 1_000), Rotated::Unknown);
        ledger.begin(FAMILY, USER, "ada", 1_000, 0);
        ledger.generation(USER, true, 1, 1);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 2), Rotated::Unknown);
        ledger.begin(FAMILY, USER, "ada", 1_000, 0);
        ledger.end(&FAMILY);
        assert_eq!(ledger.rotate(&FAMILY, &USER, 1, 10, 2), Rotated::Unknown);
    }

    #[test]
    fn facts_that_ended_take_no_memory() {
        let mut ledger = TokenLedger::default();
        for number in 0..100_000_u64 {
            let mut token = TOKEN;
            token[..8].copy_from_slice(&number.to_le_bytes());
            ledger.revoke(token, number + 10, number);
        }
        assert!(ledger.revoked.facts.len() <= FEW);
    }
}
