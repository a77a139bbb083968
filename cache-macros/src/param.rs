//! Param: the receiver and the parameters of a function, and the marks on them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Member, Pat, PatTuple, PatType, Path, Signature, Token, Type};

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

    /// What the pattern binds, and the fields of the argument that lead there.
    pub(crate) fn bound(&self) -> Vec<(Ident, Vec<Member>)> {
        let mut bound = Vec::new();
        if !self.is_named() {
            fields(&self.pattern, &[], &mut bound);
        }
        bound
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

/// Notes every name in `pattern` that a field of a struct or a tuple can be read for, `path` being what leads to the pattern.
fn fields(pattern: &Pat, path: &[Member], found: &mut Vec<(Ident, Vec<Member>)>) {
    let mut inner = |member: Member, pattern: &Pat| fields(pattern, &[path, &[member]].concat(), found);
    match pattern {
        Pat::Ident(pat) => {
            found.push((pat.ident.clone(), path.to_vec()));
            if let Some((_, inner)) = &pat.subpat {
                fields(inner, path, found);
            }
        }
        Pat::Paren(pat) => fields(&pat.pat, path, found),
        Pat::Struct(pat) if !is_variant(&pat.path) => {
            pat.fields.iter().for_each(|field| inner(field.member.clone(), &field.pat));
        }
        Pat::Tuple(PatTuple { elems, .. }) => numbered(elems, inner),
        Pat::TupleStruct(pat) if !is_variant(&pat.path) => numbered(&pat.elems, inner),
        _ => {}
    }
}

/// The elements in front of `..`, of which the index is known.
fn numbered(elements: &Punctuated<Pat, Token![,]>, mut found: impl FnMut(Member, &Pat)) {
    let known = elements.iter().take_while(|element| !matches!(element, Pat::Rest(_)));
    known.enumerate().for_each(|(index, element)| found(Member::from(index), element));
}

/// Whether a path looks like `Enum::Variant`, which has no fields to read.
fn is_variant(path: &Path) -> bool {
    let before = path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    before.is_some_and(|before| before.starts_with(char::is_uppercase))
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
