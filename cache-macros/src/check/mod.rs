//! Check: what an attribute and its function mean together. Every check of more than one option is here.

pub(crate) mod function;

mod background;
mod closures;
mod generics;
mod handler;
mod literals;
mod many;
mod response;
mod staleness;
mod target;

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::slot::MissingCompanion;
use crate::options::table::Args;
use crate::read::background::BackgroundBody;
use crate::read::call_site::CallSite;
use crate::read::runtime_options::RuntimeOptions;
use crate::verb::Verb;

/// An attribute as it was read.
pub(crate) struct Attribute<'a> {
    pub(crate) verb: Verb,
    pub(crate) args: &'a Args,
    pub(crate) func: &'a Func,
    pub(crate) call_site: &'a CallSite,
    pub(crate) runtime_options: &'a RuntimeOptions,
    pub(crate) background: Option<&'a BackgroundBody>,
}

/// Reports options that contradict one another or the function.
pub(crate) fn options(attribute: &Attribute<'_>, errors: &mut Errors) {
    let Attribute { verb, args, func, call_site, runtime_options, background } = *attribute;
    staleness::check(args, call_site, errors);
    companions(args, errors);
    closures::check(args, errors);
    literals::check(args, func, errors);
    generics::check(verb, args, func, errors);
    response::check(verb, args, func, errors);
    match verb {
        Verb::Cache | Verb::Preset { .. } => background::check(runtime_options, background, errors),
        Verb::Many => {
            many::check(args, errors);
            background::check(runtime_options, background, errors);
        }
        Verb::Evict => target::evict(args, func, errors),
        Verb::Put => target::put(args, runtime_options, errors),
        #[cfg(feature = "rate_limit")]
        Verb::Limit => {}
    }
}

/// Reports options that mean nothing without another one.
fn companions(args: &Args, errors: &mut Errors) {
    for MissingCompanion { name, value, companion, span } in args.missing_companions() {
        errors.at(span, format!("`{name}` needs `{companion}`; write `{companion}, {name}{value}`"));
    }
}
