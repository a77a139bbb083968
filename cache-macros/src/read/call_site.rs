//! Call site: the facts about a function that are known at compile time, apart from the options that each call evaluates.

use proc_macro2::{Ident, Span};
use syn::{Expr, LitStr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::table::Args;
use crate::read::duration::{self, Time};
use crate::read::late;
use crate::read::policy::{self, PolicySetting, SettingValue};
use crate::read::runtime_options::RuntimeOptions;
use crate::read::value;
use crate::verb::Verb;

/// The facts about a function that are known at compile time.
pub(crate) struct CallSite {
    pub(crate) function: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) generic: bool,
    /// The policy that the options change.
    pub(crate) policy: Option<Expr>,
    /// Milliseconds, unless each call evaluates it.
    pub(crate) expire: Option<u64>,
    /// Milliseconds, unless each call evaluates it.
    pub(crate) none_expire: Option<u64>,
    /// The place of the compiler's message if the result has no `None`.
    pub(crate) none_expire_span: Option<Span>,
    pub(crate) settings: Vec<PolicySetting>,
    /// The options for which the function has to be able to run in the background.
    pub(crate) in_background: Vec<&'static str>,
}

impl CallSite {
    /// Returns whether the codec may be one that stores values by position. Only the compiler can read a policy.
    pub(crate) fn may_store_by_position(&self) -> bool {
        let is_positional = |setting: &PolicySetting| matches!(&setting.value, SettingValue::Variant { variant, .. } if variant == "Postcard");
        self.policy.is_some() || self.settings.iter().any(is_positional)
    }
}

/// Separates what is known at compile time from what each call evaluates.
pub(crate) fn read(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> (CallSite, RuntimeOptions) {
    let mut expiry = |option: &str, value: Option<&Expr>| match errors.take(duration::read(option, value?))? {
        Time::Fixed(millis) => Some((Some(millis), None)),
        Time::Computed(value) => Some((None, Some(value))),
    };
    let (mut expire, computed_expire) = expiry("expire", args.expire.get()).unwrap_or_default();
    let (none_expire, computed_none_expire) =
        expiry("none_expire", args.none_expire.get()).unwrap_or_default();
    if let Verb::Preset { seconds, .. } = verb {
        expire = Some(seconds * 1_000);
    }
    let call_site = CallSite {
        function: func.sig.ident.clone(),
        name: args.name.get().and_then(|value| errors.take(value::name(value))),
        generic: func.is_generic(),
        policy: args.policy.get().cloned(),
        expire,
        none_expire,
        none_expire_span: args.none_expire.span(),
        settings: policy::read(args, func, errors),
        in_background: policy::in_background(args),
    };
    let runtime_options = RuntimeOptions {
        expire: computed_expire.map(|value| func.with_bindings(&value)),
        none_expire: computed_none_expire.map(|value| func.with_bindings(&value)),
        expire_with: args.expire_with.get().cloned(),
        unless: args.unless.get().cloned(),
        tags_with: if verb.is_cache() { late::tags_with(args, errors) } else { None },
    };
    (call_site, runtime_options)
}
