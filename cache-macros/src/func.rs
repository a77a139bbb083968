//! Func: the function under an attribute. Its signature is ours to read, its body is not.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Error, FnArg, GenericParam, LitStr, Pat, Result, ReturnType, Signature, Token, Type,
    Visibility,
};

use crate::errors::Errors;
use crate::param::{self, Param, Receiver};
use crate::shape::{self, Flavor, Shape};
use crate::verb::Verb;

pub(crate) struct Func {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// As written, but for `#[cache(ignore)]`.
    pub(crate) sig: Signature,
    /// `#![..]` at the head of the body.
    pub(crate) inner: Vec<Attribute>,
    /// The braces and the rest in them; a method of a trait may have none.
    pub(crate) body: Option<Group>,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) params: Vec<Param>,
    pub(crate) shape: Shape,
    /// Whether arguments are wanted as they came, for a key. If they are not, patterns stay where they are.
    pub(crate) whole: bool,
    /// What is wrong with attributes of parameters.
    pub(crate) complaints: Errors,
}

impl Func {
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
        // Marks on parameters belong to `#[cache]`; if that one is still to come, it finds them.
        let ours = verb.is_cache() || !attrs.iter().any(is_cache);
        let mut complaints = Errors::default();
        let (receiver, params) = param::read(&mut sig, ours, &mut complaints);
        let shape = shape::of(&sig);
        // What a boxed future borrows has to be in it.
        let whole = verb.is_cache() || matches!(shape.flavor, Flavor::Boxed);
        Ok(Self { attrs, vis, sig, inner, body, receiver, params, shape, whole, complaints })
    }

    /// The signature, with a plain name for every parameter that is wanted as it came.
    pub(crate) fn signature(&self) -> Signature {
        let mut sig = self.sig.clone();
        let mut params = self.params.iter().filter(|_| self.whole);
        for input in &mut sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let Some(ident) = params.next().map(|param| &param.ident) else { continue };
            *typed.pat = Pat::Verbatim(quote!(#ident));
        }
        sig
    }

    /// Binds what patterns bind, where the body runs.
    pub(crate) fn lets(&self) -> TokenStream {
        let bound = self.params.iter().filter(|param| self.whole && !param.is_plain());
        bound.map(Param::binding).collect()
    }

    /// What a message lists as the names that can be written.
    pub(crate) fn argument_names(&self) -> Vec<String> {
        let receiver = self.receiver.iter().map(|_| "self".to_owned());
        receiver.chain(self.params.iter().filter(|param| param.is_named()).map(Param::name)).collect()
    }

    /// Whether instances differ by more than their arguments' values.
    pub(crate) fn is_generic(&self) -> bool {
        let own = self.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
        own || self.params.iter().any(|param| shape::mentions_word(&param.ty, "impl"))
    }
}

fn is_cache(attr: &Attribute) -> bool {
    let last = attr.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    last == "cache" || last.starts_with("cache_one_")
}

/// Whether `fn` follows, behind whatever may stand before it.
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

/// Takes the inner attributes out: a function may have them, the block that its body becomes may not.
fn split_inner(body: &Group) -> Result<(Vec<Attribute>, Group)> {
    let parser = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_inner)?, input.parse()?));
    let (inner, rest): (_, TokenStream) = parser.parse2(body.stream())?;
    Ok((inner, braced(body.span(), rest)))
}

/// `{ tokens }`, the braces those of the user: the compiler reads the edition off them.
pub(crate) fn braced(span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// What is inside the invisible group that `macro_rules!` puts around `$item` and `$body`.
fn ungrouped(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            ungrouped(group.stream())
        }
        _ => tokens,
    }
}

/// The return type, `()` where none is written.
pub(crate) fn returned(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => Type::Verbatim(quote_spanned!(Span::mixed_site()=> ())),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}
