//! The attributes as functions from tokens to tokens.

mod background;
mod errors;
mod expansion;
mod malformed;
mod response;
mod staleness;

use proc_macro2::TokenStream;

use crate::verb::Verb;

pub(crate) const DAY: Verb = Verb::Preset { name: "cache_one_day", seconds: 86_400 };

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The expansion, without white space, so that asserts do not depend on how tokens are printed.
fn expand(verb: Verb, args: &str, item: &str) -> String {
    let out = crate::attribute(verb, tokens(args), tokens(item));
    squeeze(&out.to_string())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The messages of the errors, in the order they are told.
fn messages(verb: Verb, args: &str, item: &str) -> Vec<String> {
    match crate::model::Model::new(verb, tokens(args), tokens(item)) {
        Ok(_) => Vec::new(),
        Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
    }
}
