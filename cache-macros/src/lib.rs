//! An implementation detail of `larder`: the attributes, which `larder` re-exports and documents.
//!
//! An attribute passes through these modules from the bottom line to the top, and imports only run down:
//!
//! ```text
//! expand             the code of a model; nothing here can fail
//! limit              `#[rate_limit]`, which has no model: options, checks and code
//! model              the meaning of an attribute and its function
//! check              contradictions between options, and between options and the function
//! read               one reader for each option
//! input              the item under the attribute
//! options            the table of all options, and the parser that it makes
//! verb               the attribute that was written
//! errors, tokens     import nothing of this crate
//! ```
//!
//! All mistakes are reported together, and `fallback` then emits the item as it was.

mod check;
mod errors;
mod expand;
mod fallback;
mod ignore_in_key;
mod input;
#[cfg(feature = "rate_limit")]
mod limit;
mod model;
mod options;
mod read;
#[cfg(test)]
mod tests;
mod tokens;
mod verb;

use proc_macro::TokenStream;

use crate::model::Model;
use crate::verb::Verb;

/// Caches what a function returns.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Cache, &args.into(), item.into()).into()
}

/// Evicts entries once a function has succeeded.
#[proc_macro_attribute]
pub fn cache_evict(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Evict, &args.into(), item.into()).into()
}

/// Runs a function on every call and stores what it returns in the entry of another function.
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Put, &args.into(), item.into()).into()
}

/// Caches what a function returns for several ids, each by itself.
#[proc_macro_attribute]
pub fn cache_many(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Many, &args.into(), item.into()).into()
}

/// Limits the calls of a function.
#[cfg(feature = "rate_limit")]
#[proc_macro_attribute]
pub fn rate_limit(args: TokenStream, item: TokenStream) -> TokenStream {
    limit::attribute(args.into(), item.into()).into()
}

/// `#[cache(expire = "1m")]`.
#[proc_macro_attribute]
pub fn cache_one_minute(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_minute", seconds: 60 }, &args.into(), item.into()).into()
}

/// `#[cache(expire = "1h")]`.
#[proc_macro_attribute]
pub fn cache_one_hour(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_hour", seconds: 3_600 }, &args.into(), item.into()).into()
}

/// `#[cache(expire = "1d")]`.
#[proc_macro_attribute]
pub fn cache_one_day(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_day", seconds: 86_400 }, &args.into(), item.into()).into()
}

/// `#[cache(expire = "1w")]`.
#[proc_macro_attribute]
pub fn cache_one_week(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_week", seconds: 604_800 }, &args.into(), item.into()).into()
}

/// `#[cache(expire = "30d")]`.
#[proc_macro_attribute]
pub fn cache_one_month(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_month", seconds: 2_592_000 }, &args.into(), item.into()).into()
}

/// `#[cache(expire = "365d")]`.
#[proc_macro_attribute]
pub fn cache_one_year(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_year", seconds: 31_536_000 }, &args.into(), item.into()).into()
}

/// Leaves a type out of every key: `impl larder::IgnoreInKey for T {}`.
///
/// `#[larder(crate = path)]` names `larder` if it is not at `::larder`.
#[proc_macro_derive(IgnoreInKey, attributes(larder))]
pub fn ignore_in_key(item: TokenStream) -> TokenStream {
    ignore_in_key::derive(item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn attribute(
    verb: Verb,
    args: &proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    match Model::new(verb, args.clone(), item.clone()) {
        Ok(model) => expand::item::item(&model, verb, args, item),
        Err(error) => fallback::item(verb, item, &error),
    }
}
