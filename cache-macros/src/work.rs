//! Work: the body of a function that may be refreshed in the background, once, for both places where it can run.
//!
//! ```text
//! // Input:   #[cache(expire = "5m", stale_while_revalidate = "1m")]
//! //          async fn user(&self, id: u64, name: &str) -> R { BODY }
//! // Output:  what `expand` shows, and in place of `run(.., async move { BODY }).await`
//! let __cache_body = async move |__cache_self: &Self, id: u64, name: &str| -> R { BODY with `__cache_self` for `self` };
//! let __cache_work = move |__cache_place: Place| match __cache_place {
//!     Place::Here => Work::Here(async move { __cache_body(self, id, name).await }),
//!     Place::Apart => {
//!         let (__cache_own0, __cache_own1, __cache_own2) = (owned(self), moved(id), owned(name));
//!         Work::apart(async move { __cache_body(lent(&__cache_own0), __cache_own1, lent(&__cache_own2)).await })
//!     }
//! };
//! run_detachable(.., __cache_work).await
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::apart::{self, Apart, Input};
use crate::expand::{at, edge, span_of_body};
use crate::func::braced;
use crate::model::Model;
use crate::shape::Flavor;
use crate::{krate, respond};

/// The statements that make `__cache_work`.
pub(crate) fn work(model: &Model, apart: &Apart) -> TokenStream {
    let kinds = apart.inputs.iter().enumerate().filter_map(|(index, input)| kind(model, index, input));
    let (body, here, away) = (body(model, apart), here(model, apart), away(model, apart));
    let k = &model.krate;
    quote_spanned!(Span::mixed_site()=>
        #(#kinds)*
        let __cache_body = #body;
        let __cache_work = move |__cache_place: #k::__private::RunMode| match __cache_place {
            #k::__private::RunMode::Inline => #here,
            #k::__private::RunMode::Background => #away,
        };
    )
}

fn own(prefix: &str, index: usize) -> Ident {
    format_ident!("__cache_{prefix}{index}", span = Span::mixed_site())
}

/// Holds the type of an argument for the closure, which cannot write it.
fn kind(model: &Model, index: usize, input: &Input) -> Option<TokenStream> {
    let Input { value, cfgs, way, .. } = input;
    let (k, kind) = (&model.krate, own("kind", index));
    let value = if way.lent { quote!(#value) } else { quote!(&#value) };
    way.ty
        .is_none()
        .then(|| quote_spanned!(Span::mixed_site()=> #(#cfgs)* let #kind = #k::__private::arg_type(#value);))
}

/// The closure that the body becomes.
fn body(model: &Model, apart: &Apart) -> TokenStream {
    let (func, result, mixed) = (&model.func, model.result(), Span::mixed_site());
    let params = apart.inputs.iter().map(param);
    let known = apart.inputs.iter().enumerate().filter_map(|(index, input)| {
        let Input { name, cfgs, way, .. } = input;
        let (kind, pass) = (own("kind", index), if way.lent { quote!(by_ref) } else { quote!(by_value) });
        let lints = unnoticed();
        way.ty.is_none().then(|| quote_spanned!(mixed=> #(#cfgs)* #lints let #name = #kind.#pass(#name);))
    });
    let (lets, body) = (func.lets(), &apart.body);
    let edge = matches!(func.shape.flavor, Flavor::Async).then(|| edge(result));
    let block = braced(span_of_body(model), quote!(#(#known)* #edge #lets #body));
    match func.shape.flavor {
        Flavor::Async if model.handler.is_some() => {
            let answer = respond::answer(model, &quote_spanned!(mixed=> async move #block));
            quote_spanned!(mixed=> async move |#(#params),*| { #answer })
        }
        Flavor::Async => quote_spanned!(mixed=> async move |#(#params),*| -> #result #block),
        Flavor::Sync => quote_spanned!(mixed=> move |#(#params),*| -> #result #block),
        Flavor::Boxed => {
            let boxed = apart::unnamed(&func.sig.output);
            quote_spanned!(mixed=> async move |#(#params),*| -> #result {
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    }
}

/// What the closure is called with has the names of the function's parameters, and what the body does not mention may well be
/// part of the key.
fn unnoticed() -> TokenStream {
    quote_spanned!(Span::mixed_site()=>
        #[allow(unused_variables, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
    )
}

fn param(input: &Input) -> TokenStream {
    let Input { name, mutability, cfgs, way, .. } = input;
    let ty = match (&way.ty, way.lent) {
        (Some(ty), _) => ty.clone(),
        (None, true) => quote_spanned!(Span::mixed_site()=> &_),
        (None, false) => quote_spanned!(Span::mixed_site()=> _),
    };
    let lints = unnoticed();
    let absent = absent(cfgs).map(|absent| quote_spanned!(Span::mixed_site()=> , #absent _: ()));
    quote!(#(#cfgs)* #lints #mutability #name: #ty #absent)
}

/// The opposite of the `#[cfg(..)]` of a parameter. In its place the closure has a parameter of no content, because a call
/// has to have the same number of arguments always.
fn absent(cfgs: &[syn::Attribute]) -> Option<TokenStream> {
    let conditions: Vec<_> =
        cfgs.iter().filter_map(|cfg| cfg.meta.require_list().ok()).map(|list| &list.tokens).collect();
    (!conditions.is_empty()).then(|| quote_spanned!(Span::mixed_site()=> #[cfg(not(all(#(#conditions),*)))]))
}

/// `value`, where the parameter exists.
fn argument(cfgs: &[syn::Attribute], value: TokenStream) -> TokenStream {
    match absent(cfgs) {
        None => value,
        Some(absent) => quote_spanned!(Span::mixed_site()=> {
            #(#cfgs)*
            let __cache_value = #value;
            #absent
            let __cache_value = ();
            __cache_value
        }),
    }
}

/// The body with the arguments as they came.
fn here(model: &Model, apart: &Apart) -> TokenStream {
    let arguments = apart.inputs.iter().map(|input| argument(&input.cfgs, input.value.clone()));
    let k = &model.krate;
    let mixed = Span::mixed_site();
    match model.func.shape.flavor {
        Flavor::Sync => {
            quote_spanned!(mixed=> #k::__private::SyncBody::Inline(move || __cache_body(#(#arguments),*)))
        }
        Flavor::Async | Flavor::Boxed => {
            quote_spanned!(mixed=> #k::__private::Body::Inline(async move { __cache_body(#(#arguments),*).await }))
        }
    }
}

/// The body with arguments of its own.
fn away(model: &Model, apart: &Apart) -> TokenStream {
    let mixed = Span::mixed_site();
    let owns = apart.inputs.iter().enumerate().map(|(index, input)| {
        let Input { cfgs, way, span, .. } = input;
        let (own, value) = (own("own", index), krate::moved(input.value.clone(), *span));
        let take =
            Ident::new(if way.lent { "clone_for_background" } else { "move_to_background" }, at(*span));
        let k = krate::located(&model.krate, *span);
        quote_spanned!(at(*span)=> #(#cfgs)* let #own = #k::__private::#take(#value);)
    });
    let k = &model.krate;
    let arguments = apart.inputs.iter().enumerate().map(|(index, input)| {
        let own = own("own", index);
        let value = if input.way.lent {
            quote_spanned!(mixed=> #k::__private::borrowed(&#own))
        } else {
            quote!(#own)
        };
        argument(&input.cfgs, value)
    });
    let span = at(model.func.sig.ident.span());
    let k = krate::located(&model.krate, span);
    let work = match model.func.shape.flavor {
        Flavor::Sync => {
            quote_spanned!(span=> #k::__private::SyncBody::background(move || __cache_body(#(#arguments),*)))
        }
        Flavor::Async | Flavor::Boxed => {
            quote_spanned!(span=> #k::__private::Body::background(async move { __cache_body(#(#arguments),*).await }))
        }
    };
    quote_spanned!(mixed=> { #(#owns)* #work })
}
