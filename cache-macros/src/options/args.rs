//! Args: what was written in the parentheses of an attribute, before anybody asks what it means.

use proc_macro2::TokenTree;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Result, Token, Type, parenthesized, token};

use crate::errors::Errors;
use crate::options::slot::Slot;
use crate::verb::Verb;

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) expire: Slot<Expr>,
    pub(crate) expire_with: Slot<Expr>,
    pub(crate) key: Slot<Expr>,
    pub(crate) ignore: Slot<Vec<Type>>,
    pub(crate) name: Slot<Expr>,
    pub(crate) group: Slot<Expr>,
    pub(crate) when: Slot<Expr>,
    pub(crate) unless: Slot<Expr>,
    pub(crate) none_expire: Slot<Expr>,
    pub(crate) stale_while_revalidate: Slot<Expr>,
    pub(crate) soft_timeout: Slot<Expr>,
    pub(crate) stale_if_error: Slot<Expr>,
    pub(crate) stale_retry: Slot<Expr>,
    pub(crate) refresh_ahead: Slot<Expr>,
    pub(crate) background: Slot<()>,
    pub(crate) jitter: Slot<Expr>,
    pub(crate) local: Slot<Expr>,
    pub(crate) tags: Slot<Expr>,
    pub(crate) codec: Slot<Expr>,
    pub(crate) compress: Slot<Expr>,
    pub(crate) version: Slot<Expr>,
    pub(crate) entry: Slot<Expr>,
    pub(crate) response: Slot<()>,
    pub(crate) private: Slot<()>,
    pub(crate) shared: Slot<()>,
    pub(crate) vary: Slot<Vec<Expr>>,
    pub(crate) statuses: Slot<Vec<Expr>>,
    pub(crate) url: Slot<Expr>,
    pub(crate) policy: Slot<Expr>,
    pub(crate) cache: Slot<Expr>,
    pub(crate) before: Slot<()>,
    pub(crate) krate: Slot<Path>,
}

impl Args {
    /// Reads every option there is; one that cannot be read is noted and the next is tried.
    pub(crate) fn read(verb: Verb, tokens: proc_macro2::TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let options = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.option(verb, input) {
                    errors.push(error);
                    skip(input);
                } else if !input.is_empty() && !input.peek(Token![,]) {
                    errors.push(input.error("expected `,` between two options"));
                    skip(input);
                }
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(())
        };
        if let Err(error) = options.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn option(&mut self, verb: Verb, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error("expected an option; write one such as `expire = \"5m\"`"));
        }
        let key = input.call(Ident::parse_any)?;
        let name = key.to_string();
        if let Some(message) = verb.refuses(&name) {
            return Err(syn::Error::new(key.span(), message));
        }
        match name.as_str() {
            "ignore" => self.ignore.set(&key, listed(&key, ["arguments", "an argument", "db"], input)?),
            "vary" => self.vary.set(&key, listed(&key, ["headers", "a header", "accept_language"], input)?),
            "statuses" => self.statuses.set(&key, listed(&key, ["numbers", "a status", "200, 404"], input)?),
            "before" | "background" | "response" | "private" | "shared" if input.peek(Token![=]) => {
                Err(input.error(format!("`{name}` takes no value; write `{name}` alone")))
            }
            "before" => self.before.set(&key, ()),
            "background" => self.background.set(&key, ()),
            "response" => self.response.set(&key, ()),
            "private" => self.private.set(&key, ()),
            "shared" => self.shared.set(&key, ()),
            "crate" => {
                equals(&key, input)?;
                let path = Path::parse_mod_style(input).map_err(|error| {
                    syn::Error::new(error.span(), "`crate` is a path; write one such as `crate = ::larder`")
                })?;
                self.krate.set(&key, path)
            }
            _ => {
                let value = value(&key, input)?;
                self.slot(&name).set(&key, value)
            }
        }
    }

    /// Where an option of the form `name = expression` is kept.
    fn slot(&mut self, name: &str) -> &mut Slot<Expr> {
        match name {
            "expire" => &mut self.expire,
            "expire_with" => &mut self.expire_with,
            "key" => &mut self.key,
            "name" => &mut self.name,
            "group" => &mut self.group,
            "when" => &mut self.when,
            "unless" => &mut self.unless,
            "none_expire" => &mut self.none_expire,
            "stale_while_revalidate" => &mut self.stale_while_revalidate,
            "soft_timeout" => &mut self.soft_timeout,
            "stale_if_error" => &mut self.stale_if_error,
            "stale_retry" => &mut self.stale_retry,
            "refresh_ahead" => &mut self.refresh_ahead,
            "jitter" => &mut self.jitter,
            "local" => &mut self.local,
            "tags" => &mut self.tags,
            "codec" => &mut self.codec,
            "compress" => &mut self.compress,
            "version" => &mut self.version,
            "entry" => &mut self.entry,
            "policy" => &mut self.policy,
            "url" => &mut self.url,
            // `Verb::refuses` let nothing else through.
            _ => &mut self.cache,
        }
    }
}

fn equals(key: &Ident, input: ParseStream<'_>) -> Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(syn::Error::new(key.span(), format!("`{key}` needs a value; write `{key} = ..`")));
    }
    Ok(())
}

fn value(key: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    equals(key, input)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(key.span(), format!("`{key}` needs a value; write `{key} = ..`")));
    }
    input.parse()
}

/// What an option takes in parentheses, one or more; what it is called is for messages.
fn listed<T: Parse>(
    key: &Ident,
    [several, one, example]: [&str; 3],
    input: ParseStream<'_>,
) -> Result<Vec<T>> {
    if !input.peek(token::Paren) {
        let message = format!("`{key}` takes {several} in parentheses; write `{key}({example})`");
        return Err(syn::Error::new(key.span(), message));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        let message = format!("`{key}()` names nothing; write {one} in it or remove it");
        return Err(syn::Error::new(key.span(), message));
    }
    let items = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    Ok(items.into_iter().collect())
}

/// Goes to the next `,` that no parenthesis encloses.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}
