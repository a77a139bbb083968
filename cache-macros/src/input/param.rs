//! Param: the receiver and the parameters of a function, and the attributes on them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Pat, PatType, ReceiverKind, Signature, Token, Type};

use crate::errors::Errors;
use crate::input::pattern::{self, Binding};
use crate::tokens::search::{self, mentions};
use crate::verb::Verb;

/// `self`.
pub(crate) struct Receiver {
    pub(crate) token: Token![self],
    pub(crate) ignored: bool,
}

/// A parameter other than `self`.
pub(crate) struct Param {
    /// The name as written, or an invented one in place of a pattern.
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) ignored: bool,
    /// The names in the pattern that are ignored, while others are not.
    pub(crate) ignored_names: Vec<String>,
    /// `#[cache(each)]`: the argument holds the ids of a function for several ids.
    pub(crate) is_each: bool,
    /// Decide whether the parameter exists, so they are repeated wherever the parameter is mentioned.
    pub(crate) cfgs: Vec<Attribute>,
    pattern: Pat,
    /// The names in the pattern that the attribute mentions.
    mentioned: Vec<Ident>,
}

impl Param {
    /// Returns true if the user can write the parameter's name in the attribute.
    pub(crate) fn is_named(&self) -> bool {
        matches!(&self.pattern, Pat::Ident(pat) if pat.ident == self.ident)
    }

    /// The name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The parameter in a message.
    pub(crate) fn described(&self) -> String {
        if self.is_named() { format!("`{}`", self.name()) } else { "this argument".to_owned() }
    }

    /// The names that the pattern binds; none for a parameter that is just a name.
    pub(crate) fn bindings(&self) -> Vec<Binding> {
        if self.is_named() { Vec::new() } else { pattern::bindings(&self.pattern) }
    }

    /// The name, or the names in the pattern.
    pub(crate) fn names(&self) -> Vec<Ident> {
        if self.is_named() { vec![self.ident.clone()] } else { pattern::names(&self.pattern) }
    }

    /// Returns true if `name`, without `r#`, is the name or one in the pattern.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names().iter().any(|own| own.unraw() == name)
    }

    /// Returns true if the pattern mentions `name`, for a better message.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        !self.is_named() && mentions(&self.pattern, name)
    }

    /// Returns true if the parameter is a name without `mut` or a pattern.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(&self.pattern, Pat::Ident(pat) if pat.ident == self.ident && pat.mutability.is_none())
    }

    /// Notes the names in the pattern that the attribute mentions: the body need not use them.
    pub(crate) fn note_mentions(&mut self, attribute: &TokenStream) {
        if !self.is_named() {
            let mentioned = |name: &Ident| search::names(attribute, &name.unraw().to_string());
            self.mentioned = pattern::names(&self.pattern).into_iter().filter(mentioned).collect();
        }
    }

    /// `let pattern = name;`.
    pub(crate) fn binding(&self) -> TokenStream {
        let Self { ident, cfgs, pattern, mentioned, .. } = self;
        let uses =
            mentioned.iter().map(|name| quote_spanned!(Span::mixed_site()=> #(#cfgs)* let _ = &#name;));
        quote_spanned!(Span::mixed_site()=>
            #(#cfgs)*
            #[allow(clippy::shadow_reuse, clippy::shadow_same)]
            let #pattern = #ident;
            #(#uses)*
        )
    }

    fn new(index: usize, typed: &PatType, words: Words) -> Self {
        let ident = match &*typed.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
            pattern => {
                format_ident!("__cache_arg{index}", span = Span::mixed_site().located_at(pattern.span()))
            }
        };
        let cfgs = typed.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        let Words { ignored, is_each } = words;
        let ignored_names = Vec::new();
        Self {
            ident,
            ty: (*typed.ty).clone(),
            ignored,
            ignored_names,
            is_each,
            cfgs,
            pattern: (*typed.pat).clone(),
            mentioned: Vec::new(),
        }
    }
}

/// The attributes of a parameter.
#[derive(Clone, Copy, Default)]
struct Words {
    /// `#[cache(ignore)]`.
    ignored: bool,
    /// `#[cache(each)]`.
    is_each: bool,
}

/// Reads the parameters and, if `takes_attributes`, removes `#[cache(ignore)]` and `#[cache(each)]` from them.
pub(crate) fn read(
    sig: &mut Signature,
    verb: Verb,
    takes_attributes: bool,
    errors: &mut Errors,
) -> (Option<Receiver>, Vec<Param>) {
    let (mut receiver, mut params) = (None, Vec::new());
    for (index, input) in sig.inputs.iter_mut().enumerate() {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        let words = if takes_attributes { take_words(attrs, verb, errors) } else { Words::default() };
        match input {
            FnArg::Receiver(written) => {
                receiver = Some(Receiver { token: written.self_token, ignored: words.ignored });
            }
            FnArg::Typed(typed) => params.push(Param::new(index, typed, words)),
        }
    }
    (receiver, params)
}

/// Removes the `mut` of `mut self`, which means nothing in a function without the user's body.
pub(crate) fn without_mut(input: &mut FnArg) {
    if let FnArg::Receiver(receiver) = input
        && !matches!(receiver.kind, ReceiverKind::Reference(..))
    {
        receiver.mutability = None;
    }
}

/// Removes `#[cache(ignore)]` and `#[cache(each)]`.
fn take_words(attrs: &mut Vec<Attribute>, verb: Verb, errors: &mut Errors) -> Words {
    let mut words = Words::default();
    let message = match verb {
        Verb::Many => {
            "write `#[cache(ignore)]` to leave a parameter out of the key, or `#[cache(each)]` on the ids"
        }
        _ => "a parameter can only be left out of the key; write `#[cache(ignore)]`",
    };
    attrs.retain(|attr| {
        let is_cache = attr.path().segments.last().is_some_and(|segment| segment.ident == "cache");
        if is_cache {
            match attr.parse_args_with(Ident::parse_any) {
                Ok(word) if word == "ignore" => words.ignored = true,
                Ok(word) if word == "each" && verb == Verb::Many => words.is_each = true,
                Ok(_) | Err(_) => errors.push(Error::new_spanned(attr, message)),
            }
        }
        !is_cache
    });
    words
}
