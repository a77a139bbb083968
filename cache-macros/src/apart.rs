//! Apart: the expansion for functions that can run apart from their caller, so that an old value is served meanwhile.
//!
//! ```text
//! // Input:   #[cache(expire = "5m", stale_while_revalidate = "1m")]
//! //          async fn profile(&self, id: u64, lang: &str) -> Result<Profile, Error> { BODY }
//! // Output, in the place of `run(.., async move { BODY })`:
//!     let __cache_body = async |__cache_self: &Self, id: u64, lang: &str| -> Result<Profile, Error> { BODY };
//!     let __cache_work = move |__cache_place| match __cache_place {
//!         Place::Here => Work::Here(async move { __cache_body(self, id, lang).await }),
//!         Place::Apart => {
//!             let __cache_self = owned::<Self>(self);
//!             let lang = owned::<str>(lang);
//!             Work::Apart(Box::pin(async move { __cache_body(&__cache_self, id, &lang).await }))
//!         }
//!     };
//!     run_apart(.., __cache_work).await
//! ```
//!
//! The body stands there once, with `self` under another name: a copy would have statics of its own.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ReceiverKind, Type};

use crate::errors::Errors;
use crate::expand::at;
use crate::func::{Func, braced, returned};
use crate::krate;
use crate::model::Model;
use crate::shape::{self, Flavor};

/// One parameter of the body, and how it is passed.
struct Part {
    cfgs: TokenStream,
    /// The name inside the body.
    name: Ident,
    /// The type in the closure's own list.
    ty: TokenStream,
    /// What the caller passes.
    value: TokenStream,
    /// What is made of a borrowed one, so that it can leave its caller.
    owned: Option<TokenStream>,
}

/// Notes the parameters that cannot leave their caller.
pub(crate) fn check(func: &Func, errors: &mut Errors) {
    const OUT: &str =
        "or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`";
    for input in &func.sig.inputs {
        let (ty, name): (&dyn ToTokens, String) = match input {
            FnArg::Receiver(receiver) => match &receiver.kind {
                ReceiverKind::Reference(_, _, Some(_)) => (receiver, "self".to_owned()),
                ReceiverKind::Typed(_, ty) if shape::borrows(behind(ty)) => (&**ty, "self".to_owned()),
                _ => continue,
            },
            FnArg::Typed(typed) => {
                if shape::mentions_word(&typed.ty, "impl") {
                    errors.push(syn::Error::new_spanned(
                        &typed.ty,
                        format!("`impl Trait` has no name that a refresh in the background could use; make it a type parameter, {OUT}"),
                    ));
                    continue;
                }
                let exclusive = matches!(shape::peel(&typed.ty), Type::Reference(reference) if reference.mutability.is_some());
                if !exclusive && !shape::borrows(behind(&typed.ty)) {
                    continue;
                }
                (&typed.ty, typed.pat.to_token_stream().to_string())
            }
        };
        let borrow = if ty.to_token_stream().to_string().contains("mut") {
            "is borrowed to be changed, which nobody can do when its owner has gone on"
        } else {
            "holds a borrow, which cannot outlive the call"
        };
        errors.push(syn::Error::new_spanned(
            ty.to_token_stream(),
            format!("a refresh in the background needs arguments of its own, and `{name}` {borrow}; take an owned value or an `Arc`, {OUT}"),
        ));
    }
}

/// The closure, and the choice between the two places.
pub(crate) fn work(model: &Model, lets: &TokenStream, result: &Type) -> TokenStream {
    let (func, mixed) = (&model.func, Span::mixed_site());
    let parts = parts(model);
    let k = &model.krate;
    let body = func.body.as_ref().map(|body| renamed(body.stream())).unwrap_or_default();
    let span = func.body.as_ref().map_or(mixed, Group::span);
    let params = parts.iter().map(|Part { cfgs, name, ty, .. }| {
        // The attribute may use what the body does not.
        quote_spanned!(mixed=> #cfgs #[allow(unused_variables)] #name: #ty)
    });
    let block = |head: TokenStream, body: &TokenStream| braced(span, quote!(#head #lets #body));
    let closure = match func.shape.flavor {
        Flavor::Async => {
            let block = block(TokenStream::new(), &body);
            quote_spanned!(mixed=> async |#(#params),*| -> #result #block)
        }
        Flavor::Sync => {
            let block = block(TokenStream::new(), &body);
            quote_spanned!(mixed=> |#(#params),*| -> #result #block)
        }
        Flavor::Boxed => {
            let boxed = elided(returned(&func.sig.output).to_token_stream());
            let block = block(TokenStream::new(), &body);
            quote_spanned!(mixed=> async |#(#params),*| -> #result {
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    };
    let here = parts.iter().map(|Part { cfgs, value, .. }| quote!(#cfgs #value));
    let own = parts.iter().filter_map(|part| {
        let Part { cfgs, name, owned, .. } = part;
        owned.as_ref().map(|owned| quote!(#cfgs let #name = #owned;))
    });
    let there = parts.iter().map(|Part { cfgs, name, value, owned, .. }| match owned {
        Some(_) => quote_spanned!(mixed=> #cfgs &#name),
        None => quote!(#cfgs #value),
    });
    let lints = quote_spanned!(mixed=> #[allow(clippy::redundant_closure, clippy::needless_borrow, clippy::ptr_arg, unused_parens)]);
    let (kind, apart, here) = match func.shape.flavor {
        Flavor::Sync => (
            quote_spanned!(mixed=> SyncWork),
            quote_spanned!(mixed=> ::std::boxed::Box::new(move || __cache_body(#(#there),*))),
            quote_spanned!(mixed=> move || __cache_body(#(#here),*)),
        ),
        Flavor::Async | Flavor::Boxed => (
            quote_spanned!(mixed=> Work),
            quote_spanned!(mixed=> ::std::boxed::Box::pin(async move { __cache_body(#(#there),*).await })),
            quote_spanned!(mixed=> async move { __cache_body(#(#here),*).await }),
        ),
    };
    quote_spanned!(mixed=>
        #lints
        let __cache_body = #closure;
        #lints
        let __cache_work = move |__cache_place: #k::__private::Place| match __cache_place {
            #k::__private::Place::Here => #k::__private::#kind::Here(#here),
            #k::__private::Place::Apart => {
                #(#own)*
                #k::__private::#kind::Apart(#apart)
            }
        };
    )
}

fn parts(model: &Model) -> Vec<Part> {
    let func = &model.func;
    let mut params = func.params.iter();
    let mut parts = Vec::new();
    for input in &func.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let this = Ident::new("__cache_self", at(receiver.self_token.span));
                let token = &receiver.self_token;
                let (ty, owned) = match &receiver.kind {
                    ReceiverKind::Reference(..) => {
                        let span = at(receiver.self_token.span);
                        let k = krate::located(&model.krate, receiver.self_token.span);
                        (
                            quote_spanned!(span=> &Self),
                            Some(quote_spanned!(span=> #k::__private::owned::<Self>(#token))),
                        )
                    }
                    ReceiverKind::Typed(_, ty) => passed(model, ty, &token.to_token_stream()),
                    _ => (quote_spanned!(Span::mixed_site()=> Self), None),
                };
                parts.push(Part {
                    cfgs: TokenStream::new(),
                    name: this,
                    ty,
                    value: token.to_token_stream(),
                    owned,
                });
            }
            FnArg::Typed(_) => {
                let Some(param) = params.next() else { continue };
                let (cfgs, ident) = (&param.cfgs, &param.ident);
                let (ty, owned) = passed(model, &param.ty, &ident.to_token_stream());
                parts.push(Part {
                    cfgs: quote!(#(#cfgs)*),
                    name: ident.clone(),
                    ty,
                    value: ident.to_token_stream(),
                    owned,
                });
            }
        }
    }
    parts
}

/// The type of a parameter in the closure, and how it is made one's own where it is borrowed.
fn passed(model: &Model, ty: &Type, value: &TokenStream) -> (TokenStream, Option<TokenStream>) {
    let span = at(ty.span());
    let k = krate::located(&model.krate, ty.span());
    match shape::peel(ty) {
        Type::Reference(reference) => {
            let elem = elided(reference.elem.to_token_stream());
            (
                quote_spanned!(span=> &#elem),
                Some(quote_spanned!(span=> #k::__private::owned::<#elem>(#value))),
            )
        }
        ty => (elided(ty.to_token_stream()), None),
    }
}

/// The type behind the outermost reference.
fn behind(ty: &Type) -> &Type {
    match shape::peel(ty) {
        Type::Reference(reference) => &reference.elem,
        ty => ty,
    }
}

/// The tokens with every lifetime but `'static` left to the compiler, as a closure needs it.
fn elided(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let Some(TokenTree::Ident(name)) = trees.next() else { continue };
                let name = if name == "static" { name } else { Ident::new("_", name.span()) };
                out.extend([TokenTree::Punct(punct), TokenTree::Ident(name)]);
            }
            TokenTree::Group(group) => out.extend([regrouped(&group, elided(group.stream()))]),
            tree => out.extend([tree]),
        }
    }
    out
}

/// The tokens of a body with `self` under its other name, but not inside items of their own.
fn renamed(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut in_item = false;
    for tree in tokens {
        let tree = match tree {
            TokenTree::Ident(word) if word == "self" && !in_item => {
                TokenTree::Ident(Ident::new("__cache_self", at(word.span())))
            }
            TokenTree::Ident(word) => {
                in_item |= ["fn", "impl", "trait"].iter().any(|item| word == item);
                TokenTree::Ident(word)
            }
            TokenTree::Group(group) => {
                let ends_item = in_item && group.delimiter() == Delimiter::Brace;
                let stream = if in_item { group.stream() } else { renamed(group.stream()) };
                in_item &= !ends_item;
                regrouped(&group, stream)
            }
            TokenTree::Punct(punct) => {
                in_item &= punct.as_char() != ';';
                TokenTree::Punct(punct)
            }
            tree @ TokenTree::Literal(_) => tree,
        };
        out.extend([tree]);
    }
    out
}

fn regrouped(group: &Group, stream: TokenStream) -> TokenTree {
    let mut made = Group::new(group.delimiter(), stream);
    made.set_span(group.span());
    TokenTree::Group(made)
}
