//! Param: the receiver and the parameters of a function, and the marks on them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Pat, PatType, Signature, Token, Type};

use crate::errors::Errors;
use crate::shape;

pub(crate) struct Receiver {
    pub(crate) token: Token![self],
    pub(crate) ignored: bool,
}

pub(crate) struct Param {
    /// The name as written, or an invented one where a pattern stands.
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) ignored: bool,
    /// Decide whether the parameter exists, so they go wherever it is mentioned.
    pub(crate) cfgs: Vec<Attribute>,
    pattern: Pat,
}

impl Param {
    /// A name the user can write in the attribute.
    pub(crate) fn is_named(&self) -> bool {
        matches!(&self.pattern, Pat::Ident(pat) if pat.ident == self.ident)
    }

    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// What a message calls it.
    pub(crate) fn described(&self) -> String {
        if self.is_named() { format!("`{}`", self.name()) } else { "this argument".to_owned() }
    }

    /// Whether the pattern binds `name`, for a better message.
    pub(crate) fn binds(&self, name: &str) -> bool {
        !self.is_named() && shape::mentions_word(&self.pattern, name)
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(&self.pattern, Pat::Ident(pat) if pat.ident == self.ident && pat.mutability.is_none())
    }

    pub(crate) fn binding(&self) -> TokenStream {
        let Self { ident, cfgs, pattern, .. } = self;
        quote_spanned!(Span::mixed_site()=>
            #(#cfgs)*
            #[allow(clippy::shadow_reuse, clippy::shadow_same)]
            let #pattern = #ident;
        )
    }

    fn new(index: usize, typed: &PatType, ignored: bool) -> Self {
        let ident = match &*typed.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
            pattern => {
                format_ident!("__cache_arg{index}", span = Span::mixed_site().located_at(pattern.span()))
            }
        };
        let cfgs = typed.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        Self { ident, ty: (*typed.ty).clone(), ignored, cfgs, pattern: (*typed.pat).clone() }
    }
}

/// Takes the marks off the parameters and tells what is left.
pub(crate) fn read(sig: &mut Signature, ours: bool, errors: &mut Errors) -> (Option<Receiver>, Vec<Param>) {
    let (mut receiver, mut params) = (None, Vec::new());
    for (index, input) in sig.inputs.iter_mut().enumerate() {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        let ignored = ours && strip_marks(attrs, errors);
        match input {
            FnArg::Receiver(written) => receiver = Some(Receiver { token: written.self_token, ignored }),
            FnArg::Typed(typed) => params.push(Param::new(index, typed, ignored)),
        }
    }
    (receiver, params)
}

/// Removes `#[cache(ignore)]` and tells whether it was there.
fn strip_marks(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> bool {
    let mut ignored = false;
    attrs.retain(|attr| {
        let mark = attr.path().segments.last().is_some_and(|segment| segment.ident == "cache");
        if mark {
            match attr.parse_args_with(Ident::parse_any) {
                Ok(word) if word == "ignore" => ignored = true,
                Ok(_) | Err(_) => errors.push(Error::new_spanned(
                    attr,
                    "a parameter can only be left out of the key; write `#[cache(ignore)]`",
                )),
            }
        }
        !mark
    });
    ignored
}
