//! The arguments of a call, as a key to its entry.

use std::hash::{BuildHasher, Hasher};

use crate::site::call_site::CallSite;
use crate::types::key::ArgBytes;

/// The part of a call that is known before its key is built: the function, its instance, and the arguments.
#[derive(Clone, Copy)]
pub(crate) struct CallKey<'a> {
    pub(super) function: FunctionInstance,
    /// The encoded arguments. Calls with long encodings are looked up by their key text instead.
    pub(super) args: ArgBytes<'a>,
}

/// One instance of one function. Call sites are statics and identities belong to the compiler, so that neither moves:
/// equal addresses mean equal text, and two addresses of one text only cost a second insert.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FunctionInstance {
    pub(super) site: usize,
    pub(super) identity: (usize, usize),
}

impl<'a> CallKey<'a> {
    #[inline]
    pub(crate) fn new(site: &'static CallSite, identity: &'static str, args: ArgBytes<'a>) -> Self {
        let identity = (identity.as_ptr().addr(), identity.len());
        Self { function: FunctionInstance { site: std::ptr::from_ref(site).addr(), identity }, args }
    }

    /// Returns the hash of the call; never 0.
    #[inline]
    pub(super) fn hash(&self, seeds: &HashSeeds) -> u64 {
        let [first, second, third] = self.args.head;
        let FunctionInstance { site, identity: (identity, _) } = self.function;
        let mut hash = folded(first ^ seeds.0[0], second ^ seeds.0[1]) ^ third;
        let tail = self.args.tail();
        if !tail.is_empty() {
            hash ^= seeds.hash_tail(tail);
        }
        folded(hash ^ seeds.0[2], (site ^ identity.rotate_left(32)) as u64 ^ seeds.0[3]).max(1)
    }
}

/// The seeds of the hashes of one index. Random, so that nobody can choose arguments whose hashes are equal.
pub(super) struct HashSeeds([u64; 4], foldhash::fast::RandomState);

impl HashSeeds {
    /// Returns random seeds.
    pub(super) fn new() -> Self {
        let state = std::hash::RandomState::new();
        Self(std::array::from_fn(|n| state.hash_one(n)), foldhash::fast::RandomState::default())
    }

    #[inline(never)]
    fn hash_tail(&self, tail: &[u8]) -> u64 {
        let mut hasher = self.1.build_hasher();
        hasher.write(tail);
        hasher.finish()
    }
}

/// Returns both halves of the product as one: the step that foldhash consists of.
#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
