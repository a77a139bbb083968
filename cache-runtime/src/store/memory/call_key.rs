//! The arguments of a call, as a key to its entry.

use crate::site::call_site::CallSite;

/// The part of a call that is known before its key is built: the function, its instance, and the arguments.
pub(crate) struct CallKey<'a> {
    pub(super) function: FunctionInstance,
    /// The encoded arguments. Calls with long encodings are looked up by their key text instead.
    pub(super) args: &'a [u8],
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
    pub(crate) fn new(site: &'static CallSite, identity: &'static str, args: &'a [u8]) -> Self {
        let identity = (identity.as_ptr().addr(), identity.len());
        Self { function: FunctionInstance { site: std::ptr::from_ref(site).addr(), identity }, args }
    }
}
