//! The attributes as functions from tokens to tokens.

mod background;
mod errors;
mod expansion;
mod handler;
mod late;
mod malformed;
mod many;
mod options;
mod policy;
mod response;
mod tags;

use proc_macro2::TokenStream;

use crate::verb::Verb;

pub(crate) const DAY: Verb = Verb::Preset { name: "cache_one_day", seconds: 86_400 };

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The expansion without white space, so that assertions do not depend on the printing of tokens.
fn expand(verb: Verb, args: &str, item: &str) -> String {
    let out = crate::attribute(verb, &tokens(args), tokens(item));
    squeeze(&out.to_string())
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The messages of the errors, in order.
fn messages(verb: Verb, args: &str, item: &str) -> Vec<String> {
    match crate::model::Model::new(verb, tokens(args), tokens(item)) {
        Ok(_) => Vec::new(),
        Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
    }
}

/// Each part is in exactly one message, and there are no others.
fn reports(verb: Verb, args: &str, item: &str, parts: &[&str]) {
    let messages = messages(verb, args, item);
    let found =
        parts.iter().all(|part| messages.iter().filter(|message| message.contains(part)).count() == 1);
    assert!(found && messages.len() == parts.len(), "{args} / {item}: {messages:#?} lack {parts:?}");
    let style =
        |message: &String| !message.starts_with(|c: char| c.is_uppercase()) && !message.ends_with('.');
    assert!(messages.iter().all(style), "{messages:#?}");
}

/// Expands without an error, parses as items of an `impl`, and contains each of the parts.
fn expands_to(verb: Verb, args: &str, item: &str, parts: &[&str]) -> String {
    assert_eq!(messages(verb, args, item), Vec::<String>::new(), "{args} / {item}");
    let out = crate::attribute(verb, &tokens(args), tokens(item));
    let wrapped = format!("impl X {{ {out} }}");
    assert!(syn::parse_str::<syn::ItemImpl>(&wrapped).is_ok(), "{out}");
    let out = squeeze(&out.to_string());
    contains(&out, parts);
    out
}

fn contains(out: &str, parts: &[&str]) {
    for part in parts {
        assert!(out.contains(&squeeze(part)), "{out}\nlacks {part}");
    }
}
