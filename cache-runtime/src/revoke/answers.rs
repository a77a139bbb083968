//! The answers that this process may give again: tokens that were accepted, as long as Redis would tell of a change.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use quick_cache::Equivalent;
use quick_cache::sync::Cache as Table;

use crate::engine::core::Core;
use crate::store::KeyMark;

/// The most tokens whose answers are kept.
const MOST: usize = 100_000;
/// The longest user and id together of a token whose answer is kept.
const LONGEST: usize = 256;

/// The claims of a token that decide.
#[derive(Clone, Copy)]
pub(super) struct CheckedToken<'t> {
    pub(super) user: &'t str,
    pub(super) id: &'t str,
    pub(super) generation: u64,
}

/// The accepted tokens of one cache.
pub(super) struct RevocationAnswers(
    Table<AnswerKey, AcceptedToken, quick_cache::UnitWeighter, foldhash::fast::RandomState>,
);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AnswerKey {
    user: Box<str>,
    token: Box<str>,
}

/// [`AnswerKey`] by reference, with the same hash.
#[derive(Hash)]
struct AnswerKeyRef<'t> {
    user: &'t str,
    token: &'t str,
}

#[derive(Clone, Copy)]
struct AcceptedToken {
    generation: u64,
    mark: KeyMark,
    until: coarsetime::Instant,
}

impl RevocationAnswers {
    /// Returns `true` if the token was accepted and is so still.
    #[inline]
    pub(super) fn accepts(&self, core: &Core, token: &CheckedToken<'_>) -> bool {
        let Some(near) = core.near.access(&core.store, None) else { return false };
        let key = AnswerKeyRef { user: token.user, token: token.id };
        self.0.get(&key).is_some_and(|answer| {
            answer.generation == token.generation
                && near.is_current(&answer.mark)
                && core.clock.coarse() < answer.until
        })
    }

    /// Keeps the answer that a token is accepted, which was read after the mark was made.
    pub(super) fn keep(&self, core: &Core, mark: KeyMark, keys: [&str; 2], token: &CheckedToken<'_>) {
        let Some(near) = core.near.access(&core.store, None) else { return };
        if token.user.len() + token.id.len() > LONGEST || !near.may_keep(&mark, keys) {
            return;
        }
        let until = core.clock.coarse() + coarsetime::Duration::from(near.ttl().min(Duration::from_secs(60)));
        let key = AnswerKey { user: token.user.into(), token: token.id.into() };
        self.0.insert(key, AcceptedToken { generation: token.generation, mark, until });
    }
}

impl Equivalent<AnswerKey> for AnswerKeyRef<'_> {
    fn equivalent(&self, key: &AnswerKey) -> bool {
        self.user == &*key.user && self.token == &*key.token
    }
}

impl Default for RevocationAnswers {
    fn default() -> Self {
        Self(Table::with(
            MOST,
            MOST as u64,
            quick_cache::UnitWeighter,
            foldhash::fast::RandomState::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        ))
    }
}

impl fmt::Debug for RevocationAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationAnswers").finish_non_exhaustive()
    }
}
