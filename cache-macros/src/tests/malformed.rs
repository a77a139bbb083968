//! No input makes an attribute panic.

use proc_macro2::{TokenStream, TokenTree};

use super::{DAY, tokens};
use crate::verb::Verb;

const ARGS: &str = "expire = \"1h30m\", key = \"u:{id.x}:{self.0}\", ignore(db, Locale, self), name = \"users.get\", group = \"g:{id}\", \
    when = id > 1, unless = |v| v.is_empty(), none_expire = 10, codec = json, compress = lz4, version = 2, entry = e, \
    policy = a::B, cache = c, crate = ::larder, expire_with = |v: &u8| 5, before, tags = [\"a:{id}\", \"b\"], response, private, vary(x, \"Y-Z\"), statuses(200, 404), url = \"/a/{id}\", \
    stale_while_revalidate = \"1m\", soft_timeout = -LIFE, stale_if_error = 5, stale_retry = a::B, refresh_ahead = 0.8, jitter = -0.1, \
    local = \"5s\", background";

const ITEM: &str = "#[inline] pub(crate) async fn user<'a, T: A, const N: usize>(&'a self, #[cache(ignore)] db: &Db, \
    (a, _): (u8, u8), mut id: u64, l: impl B) -> Result<Vec<T>, Pin<Box<dyn Future<Output = u8> + 'a>>> where T: C { #![x] fn f(&self) {} self.a::<{ 1 }>('a', format!(\"{self}\")) }";

/// Every prefix of the tokens, and the tokens without each one, at every depth.
fn damaged(tokens: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut out = Vec::new();
    for index in 0..trees.len() {
        let (before, after) = (trees[..index].to_vec(), trees[index + 1..].to_vec());
        out.push(before.iter().cloned().collect());
        out.push(before.iter().chain(&after).cloned().collect());
        if let TokenTree::Group(group) = &trees[index] {
            for inner in damaged(&group.stream()) {
                let group = TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner));
                out.push(before.iter().cloned().chain([group]).chain(after.iter().cloned()).collect());
            }
        }
    }
    out
}

#[test]
fn damaged_attributes_and_functions() {
    let (args, item) = (tokens(ARGS), tokens(ITEM));
    let mut runs = 0;
    for verb in [Verb::Cache, DAY, Verb::Evict, Verb::Put] {
        for args in damaged(&args) {
            drop(crate::attribute(verb, &args, item.clone()));
            runs += 1;
        }
        for item in damaged(&item) {
            drop(crate::attribute(verb, &args, item.clone()));
            drop(crate::attribute(verb, &TokenStream::new(), item));
            runs += 2;
        }
    }
    assert!(runs > 1000, "{runs}");
}

#[test]
fn damaged_texts() {
    let item = tokens("fn f(&self, id: u64, db: Db) -> u8 { 1 }");
    for text in
        ["u:{id.x}:{self.0}", "{{a}}", "1h30m 5ms", "{id.99999999999}", "{r#id}", "{id.r#type.}", "é{ié}µ"]
    {
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            for option in ["key", "group", "expire", "name"] {
                let (head, tail) = (&text[..end], &text[end..]);
                drop(crate::attribute(Verb::Cache, &quote::quote!(), item.clone()));
                for text in [head, tail] {
                    let args = tokens(&format!("{option} = {text:?}"));
                    drop(crate::attribute(Verb::Cache, &args, item.clone()));
                }
            }
        }
    }
}

#[test]
fn damaged_derives() {
    let item = tokens("#[larder(crate = ::a::b)] pub struct X<'a, T: Y = u8, const N: usize>(T) where T: Z;");
    for item in damaged(&item) {
        drop(crate::ignore_in_key::derive(item));
    }
    let out = crate::ignore_in_key::derive(item).map(|out| super::squeeze(&out.to_string()));
    assert_eq!(
        out.ok().as_deref(),
        Some("#[automatically_derived]impl<'a,T:Y,constN:usize>::a::b::IgnoreInKeyforX<'a,T,N>whereT:Z{}")
    );
}
