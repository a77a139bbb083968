//! Func: the function under an attribute. The signature is parsed, the body is not.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, FnArg, GenericParam, LitStr, Pat, Result, Signature, Token, Visibility};

use crate::errors::{Errors, list};
use crate::input::output::{FnKind, Output};
use crate::input::param::{self, Param, Receiver};
use crate::tokens::search::mentions;
use crate::tokens::spans::{braced, ungrouped};
use crate::verb::Verb;

/// A function.
pub(crate) struct Func {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// As written, without `#[cache(ignore)]`.
    pub(crate) sig: Signature,
    /// `#![..]` at the start of the body.
    pub(crate) inner: Vec<Attribute>,
    /// The braces and their content; a method of a trait may have none.
    pub(crate) body: Option<Group>,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Output,
    /// Patterns are bound in the body, because the key needs the whole arguments. Otherwise they stay in the signature.
    pub(crate) binds_in_body: bool,
    /// Mistakes in attributes of parameters.
    pub(crate) param_errors: Errors,
}

impl Func {
    /// Parses the item under `verb`.
    pub(crate) fn parse(verb: Verb, item: TokenStream) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_outer)?;
            let vis = input.parse()?;
            if !starts_function(&input.fork()) {
                return Err(input.error(format!("`#[{verb}]` goes on a function")));
            }
            let sig = input.parse()?;
            let body = if input.parse::<Option<Token![;]>>()?.is_some() { None } else { Some(body(input)?) };
            Ok((attrs, vis, sig, body))
        };
        let (attrs, vis, mut sig, body) = parser.parse2(ungrouped(item))?;
        let (inner, body) = body.as_ref().map(split_inner).transpose()?.unzip();
        let inner = inner.unwrap_or_default();
        // Attributes of parameters belong to `#[cache]`; if that one is still to be expanded, it needs them.
        let takes_attributes = verb.is_cache() || !attrs.iter().any(is_cache);
        let mut param_errors = Errors::default();
        let (receiver, params) = param::read(&mut sig, verb, takes_attributes, &mut param_errors);
        let output = Output::of(&sig);
        // A boxed future has to own the arguments that its body borrows.
        let binds_in_body = verb.is_cache() || matches!(output.kind, FnKind::BoxedFuture);
        Ok(Self { attrs, vis, sig, inner, body, receiver, params, output, binds_in_body, param_errors })
    }

    /// The signature, with a plain name in place of every pattern that is bound in the body.
    pub(crate) fn signature(&self) -> Signature {
        let mut sig = self.sig.clone();
        let mut params = self.params.iter().filter(|_| self.binds_in_body);
        for input in &mut sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let Some(ident) = params.next().map(|param| &param.ident) else { continue };
            *typed.pat = Pat::Verbatim(quote!(#ident));
        }
        sig
    }

    /// The statements that bind the patterns in the body.
    pub(crate) fn lets(&self) -> TokenStream {
        let bound = self.params.iter().filter(|param| self.binds_in_body && !param.is_plain());
        bound.map(Param::binding).collect()
    }

    /// The names of arguments that can be written in the attribute, for messages.
    pub(crate) fn argument_names(&self) -> Vec<String> {
        let receiver = self.receiver.iter().map(|_| "self".to_owned());
        receiver.chain(self.params.iter().filter(|param| param.is_named()).map(Param::name)).collect()
    }

    /// The index of the parameter with this name, without `r#`, or with a pattern that has it.
    pub(crate) fn param_index(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.has_name(name))
    }

    /// The end of a message about a name that is no argument.
    pub(crate) fn argument_list(&self) -> String {
        let names = self.argument_names();
        if names.is_empty() {
            return "it has no named arguments".to_owned();
        }
        format!("arguments are {}", list(names))
    }

    /// Returns true if the function has type or const parameters of its own.
    pub(crate) fn is_generic(&self) -> bool {
        let own = self.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
        own || self.params.iter().any(|param| mentions(&param.ty, "impl"))
    }
}

/// Returns true for `#[cache]`, its presets and `#[cache_many]`.
pub(crate) fn is_cache(attr: &Attribute) -> bool {
    let last = attr.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    last == "cache" || last == "cache_many" || last.starts_with("cache_one_")
}

/// Returns true if `fn` follows, after any of the words that may stand before it.
fn starts_function(ahead: ParseStream<'_>) -> bool {
    loop {
        match ahead.call(Ident::parse_any) {
            Ok(word) if word == "fn" => return true,
            Ok(word) if ["const", "async", "unsafe", "safe", "extern"].iter().any(|known| word == known) => {}
            _ if ahead.peek(LitStr) => drop(ahead.parse::<LitStr>()),
            _ => return false,
        }
    }
}

fn body(input: ParseStream<'_>) -> Result<Group> {
    let tokens = ungrouped(input.parse::<TokenStream>()?);
    let end = input.span();
    let mut trees = tokens.into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Brace => Ok(group),
        (None, _) => Err(Error::new(end, "expected the body of the function")),
        (Some(first), _) => Err(Error::new(first.span(), "expected the body of the function, in braces")),
    }
}

/// Takes the inner attributes out: a function may have them, but not the block that the body becomes.
fn split_inner(body: &Group) -> Result<(Vec<Attribute>, Group)> {
    let parser = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_inner)?, input.parse()?));
    let (inner, rest): (_, TokenStream) = parser.parse2(body.stream())?;
    Ok((inner, braced(body.span(), rest)))
}
