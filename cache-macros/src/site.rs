//! Site: what is known of a cached function at compile time, and what each call has to work out.

use proc_macro2::Ident;
use syn::{Expr, LitStr};

use crate::args::Args;
use crate::duration::{self, Expiry};
use crate::errors::Errors;
use crate::fresh::{self, Fresh};
use crate::func::Func;
use crate::value;
use crate::verb::Verb;

/// What is known at compile time.
pub(crate) struct Site {
    pub(crate) function: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) generic: bool,
    pub(crate) base: Option<Expr>,
    pub(crate) expire: Option<u64>,
    pub(crate) none_expire: Option<u64>,
    pub(crate) codec: Option<Ident>,
    pub(crate) compress: Option<Ident>,
    pub(crate) version: Option<u32>,
    pub(crate) fresh: Fresh,
}

/// What is known at each call.
pub(crate) struct Keeping {
    pub(crate) expire: Option<Expr>,
    pub(crate) none_expire: Option<Expr>,
    pub(crate) expire_with: Option<Expr>,
    pub(crate) unless: Option<Expr>,
}

impl Keeping {
    /// Makes closures own what they mention, because they are asked when the call is over, too.
    pub(crate) fn owns(&mut self) {
        for value in [&mut self.expire_with, &mut self.unless].into_iter().flatten() {
            if let Expr::Closure(closure) = value::peel_mut(value) {
                closure.capture.get_or_insert_default();
            }
        }
    }
}

/// Splits what is known now from what each call has to work out.
pub(crate) fn read(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> (Site, Keeping) {
    let mut expiry = |option: &str, value: Option<&Expr>| match errors.note(duration::read(option, value?))? {
        Expiry::Fixed(millis) => Some((Some(millis), None)),
        Expiry::Computed(value) => Some((None, Some(value))),
    };
    let (mut fixed, computed) = expiry("expire", args.expire.get()).unwrap_or_default();
    let (fixed_none, computed_none) = expiry("none_expire", args.none_expire.get()).unwrap_or_default();
    if let Verb::Preset { seconds, .. } = verb {
        fixed = Some(seconds * 1_000);
    }
    let codecs = [("json", "Json"), ("msgpack", "MsgPack"), ("postcard", "Postcard")];
    let compressions = [("lz4", "Lz4"), ("zstd", "Zstd")];
    let fresh = fresh::read(args, func, fixed, errors);
    let site = Site {
        function: func.sig.ident.clone(),
        name: args.name.get().and_then(|value| errors.note(value::name(value))),
        generic: func.is_generic(),
        base: args.policy.get().cloned(),
        expire: fixed,
        none_expire: fixed_none,
        codec: args.codec.get().and_then(|value| errors.note(value::choice("codec", value, &codecs))),
        compress: args
            .compress
            .get()
            .and_then(|value| errors.note(value::choice("compress", value, &compressions))),
        version: args.version.get().and_then(|value| errors.note(value::version(value))),
        fresh,
    };
    let keeping = Keeping {
        expire: computed.map(|value| func.reaching(&value)),
        none_expire: computed_none.map(|value| func.reaching(&value)),
        expire_with: args.expire_with.get().cloned(),
        unless: args.unless.get().cloned(),
    };
    (site, keeping)
}
