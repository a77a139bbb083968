//! Site: what is known of a cached function at compile time, and what each call has to work out.

use proc_macro2::Ident;
use syn::{Expr, LitStr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::args::Args;
use crate::read::duration::{self, Expiry};
use crate::read::runtime_options::RuntimeOptions;
use crate::read::staleness::{self, Staleness};
use crate::read::value;
use crate::verb::Verb;

/// What is known at compile time.
pub(crate) struct CallSite {
    pub(crate) function: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) generic: bool,
    pub(crate) base: Option<Expr>,
    pub(crate) expire: Option<u64>,
    pub(crate) none_expire: Option<u64>,
    pub(crate) codec: Option<Ident>,
    pub(crate) compress: Option<Ident>,
    pub(crate) version: Option<u32>,
    pub(crate) staleness: Staleness,
}

/// Splits what is known now from what each call has to work out.
pub(crate) fn read(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> (CallSite, RuntimeOptions) {
    let mut expiry = |option: &str, value: Option<&Expr>| match errors.take(duration::read(option, value?))? {
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
    let staleness = staleness::read(args, func, errors);
    let call_site = CallSite {
        function: func.sig.ident.clone(),
        name: args.name.get().and_then(|value| errors.take(value::name(value))),
        generic: func.is_generic(),
        base: args.policy.get().cloned(),
        expire: fixed,
        none_expire: fixed_none,
        codec: args.codec.get().and_then(|value| errors.take(value::choice("codec", value, &codecs))),
        compress: args
            .compress
            .get()
            .and_then(|value| errors.take(value::choice("compress", value, &compressions))),
        version: args.version.get().and_then(|value| errors.take(value::version(value))),
        staleness,
    };
    let runtime_options = RuntimeOptions {
        expire: computed.map(|value| func.with_bindings(&value)),
        none_expire: computed_none.map(|value| func.with_bindings(&value)),
        expire_with: args.expire_with.get().cloned(),
        unless: args.unless.get().cloned(),
    };
    (call_site, runtime_options)
}
