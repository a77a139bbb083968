//! An implementation detail of `larder`: the attributes, which `larder` re-exports and documents.
//!
//! The path of an attribute through this crate: what was written (`args`) and what it stands on (`func`) become what
//! is meant (`model`, all checks), and that becomes code (`expand`, no checks) or errors (`fallback`).

mod apart;
mod args;
mod body;
mod borrow;
mod call;
mod check;
mod duration;
mod entry;
mod errors;
mod expand;
mod fallback;
mod fresh;
mod func;
mod ignore_in_key;
mod key;
mod krate;
mod model;
mod param;
mod reach;
mod respond;
mod response;
mod shape;
mod site;
mod slot;
mod tags;
mod template;
#[cfg(test)]
mod tests;
mod value;
mod verb;
mod work;

use proc_macro::TokenStream;

use crate::model::Model;
use crate::verb::Verb;

/// Keeps what a function returns.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Cache, args.into(), item.into()).into()
}

/// Evicts entries once a function has succeeded.
#[proc_macro_attribute]
pub fn cache_evict(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Evict, args.into(), item.into()).into()
}

/// Runs a function always, and keeps what it returns in the entry of another.
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Put, args.into(), item.into()).into()
}

/// `#[cache(expire = "1m")]`.
#[proc_macro_attribute]
pub fn cache_one_minute(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_minute", seconds: 60 }, args.into(), item.into()).into()
}

/// `#[cache(expire = "1h")]`.
#[proc_macro_attribute]
pub fn cache_one_hour(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_hour", seconds: 3_600 }, args.into(), item.into()).into()
}

/// `#[cache(expire = "1d")]`.
#[proc_macro_attribute]
pub fn cache_one_day(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_day", seconds: 86_400 }, args.into(), item.into()).into()
}

/// `#[cache(expire = "1w")]`.
#[proc_macro_attribute]
pub fn cache_one_week(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_week", seconds: 604_800 }, args.into(), item.into()).into()
}

/// `#[cache(expire = "30d")]`.
#[proc_macro_attribute]
pub fn cache_one_month(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_month", seconds: 2_592_000 }, args.into(), item.into()).into()
}

/// `#[cache(expire = "365d")]`.
#[proc_macro_attribute]
pub fn cache_one_year(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(Verb::Preset { name: "cache_one_year", seconds: 31_536_000 }, args.into(), item.into()).into()
}

/// Leaves a type out of every key: `impl larder::IgnoreInKey for T {}`.
///
/// `#[larder(crate = path)]` says where `larder` lives if not at `::larder`.
#[proc_macro_derive(IgnoreInKey, attributes(larder))]
pub fn ignore_in_key(item: TokenStream) -> TokenStream {
    ignore_in_key::derive(item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn attribute(
    verb: Verb,
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    Model::new(verb, args, item.clone())
        .map_or_else(|error| fallback::item(verb, item, &error), |model| expand::item(&model))
}
