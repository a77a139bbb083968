//! Background: the body of a function that may be refreshed in the background, written once for both ways to run.
//!
//! ```text
//! // Input:   #[cache(expire = "5m", stale_while_revalidate = "1m")]
//! //          async fn user(&self, id: u64, name: &str) -> R { BODY }
//! // Output:  what `expand` shows, and in place of `run(.., async move { BODY }).await`
//! let __cache_body = async move |__cache_self: &Self, id: u64, name: &str| -> R { BODY with `__cache_self` for `self` };
//! let __cache_make_body = move |__cache_mode: RunMode| match __cache_mode {
//!     RunMode::Inline => Body::Inline(async move { __cache_body(self, id, name).await }),
//!     RunMode::Background => {
//!         let (__cache_owned0, __cache_owned1, __cache_owned2) = (clone_for_background(self), move_to_background(id), clone_for_background(name));
//!         Body::stale_while_revalidate_needs_send(async move { __cache_body(borrowed(&__cache_owned0), __cache_owned1, borrowed(&__cache_owned2)).await })
//!     }
//! };
//! run_detachable(.., __cache_make_body).await
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Attribute;

use crate::expand::body::{body_span, into_response, typed_return};
use crate::input::body::without_lifetimes;
use crate::input::output::{FnKind, returned};
use crate::model::Model;
use crate::read::background::{BackgroundBody, ClosureParam};
use crate::tokens::spans::{braced, mixed_at, relocated};

/// The statements that make `__cache_make_body`.
pub(crate) fn statements(model: &Model, background: &BackgroundBody) -> TokenStream {
    let body = closure_statements(model, background);
    let (inline, detached) = (inline(model, background), detached(model, background));
    let k = &model.krate;
    quote_spanned!(Span::mixed_site()=>
        #body
        let __cache_make_body = move |__cache_mode: #k::__private::RunMode| match __cache_mode {
            #k::__private::RunMode::Inline => #inline,
            #k::__private::RunMode::Background => #detached,
        };
    )
}

/// The statements that make `__cache_body`.
pub(crate) fn closure_statements(model: &Model, background: &BackgroundBody) -> TokenStream {
    let types =
        background.params.iter().enumerate().filter_map(|(index, param)| arg_type(model, index, param));
    let body = closure(model, background);
    quote_spanned!(Span::mixed_site()=> #(#types)* let __cache_body = #body;)
}

fn numbered(name: &str, index: usize) -> Ident {
    format_ident!("__cache_{name}{index}", span = Span::mixed_site())
}

/// Captures the type of an argument for the closure, if the closure cannot write the type.
fn arg_type(model: &Model, index: usize, param: &ClosureParam) -> Option<TokenStream> {
    let ClosureParam { value, cfgs, ty, by_ref, .. } = param;
    let (k, arg_type) = (&model.krate, numbered("type", index));
    let value = if *by_ref { quote!(#value) } else { quote!(&#value) };
    ty.is_none().then(
        || quote_spanned!(Span::mixed_site()=> #(#cfgs)* let #arg_type = #k::__private::arg_type(#value);),
    )
}

/// The closure that the body becomes.
fn closure(model: &Model, background: &BackgroundBody) -> TokenStream {
    let (func, result, mixed) = (&model.func, model.result(), Span::mixed_site());
    let params = background.params.iter().map(param);
    let typed = background.params.iter().enumerate().filter_map(|(index, param)| {
        let ClosureParam { name, cfgs, ty, by_ref, .. } = param;
        let (arg_type, pass) =
            (numbered("type", index), if *by_ref { quote!(by_ref) } else { quote!(by_value) });
        let lints = lints();
        ty.is_none().then(|| quote_spanned!(mixed=> #(#cfgs)* #lints let #name = #arg_type.#pass(#name);))
    });
    let (lets, body) = (func.lets(), &background.body);
    let typed_return = matches!(func.output.kind, FnKind::Async).then(|| typed_return(result));
    let block = braced(body_span(model), quote!(#(#typed)* #typed_return #lets #body));
    match func.output.kind {
        FnKind::Async if model.response.is_some() => {
            let response = into_response(model, &quote_spanned!(mixed=> async move #block));
            quote_spanned!(mixed=> async move |#(#params),*| { #response })
        }
        FnKind::Async => quote_spanned!(mixed=> async move |#(#params),*| -> #result #block),
        FnKind::Sync => quote_spanned!(mixed=> move |#(#params),*| -> #result #block),
        FnKind::BoxedFuture => {
            // A closure names no lifetime of the function.
            let boxed = returned(&func.sig.output);
            let boxed = without_lifetimes(quote!(#boxed));
            quote_spanned!(mixed=> async move |#(#params),*| -> #result {
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    }
}

/// The closure's parameters have the names of the function's, and a body need not mention every argument of the key.
pub(crate) fn lints() -> TokenStream {
    quote_spanned!(Span::mixed_site()=>
        #[allow(unused_variables, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
    )
}

fn param(param: &ClosureParam) -> TokenStream {
    let ClosureParam { name, mutability, cfgs, ty, by_ref, .. } = param;
    let ty = match (ty, by_ref) {
        (Some(ty), _) => ty.clone(),
        (None, true) => quote_spanned!(Span::mixed_site()=> &_),
        (None, false) => quote_spanned!(Span::mixed_site()=> _),
    };
    let lints = lints();
    let absent = absent(cfgs).map(|absent| quote_spanned!(Span::mixed_site()=> , #absent _: ()));
    quote!(#(#cfgs)* #lints #mutability #name: #ty #absent)
}

/// The opposite of the `#[cfg(..)]` of a parameter. Without the parameter the closure has one of type `()`, because a call needs the
/// same number of arguments in every build.
fn absent(cfgs: &[Attribute]) -> Option<TokenStream> {
    let conditions: Vec<_> =
        cfgs.iter().filter_map(|cfg| cfg.meta.require_list().ok()).map(|list| &list.tokens).collect();
    (!conditions.is_empty()).then(|| quote_spanned!(Span::mixed_site()=> #[cfg(not(all(#(#conditions),*)))]))
}

/// `value`, or `()` in a build without the parameter.
pub(crate) fn argument(cfgs: &[Attribute], value: TokenStream) -> TokenStream {
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

/// The body with the arguments of the call.
fn inline(model: &Model, background: &BackgroundBody) -> TokenStream {
    let arguments = background.params.iter().map(|param| argument(&param.cfgs, param.value.clone()));
    let k = &model.krate;
    let mixed = Span::mixed_site();
    match model.func.output.kind {
        FnKind::Sync => {
            quote_spanned!(mixed=> #k::__private::SyncBody::Inline(move || __cache_body(#(#arguments),*)))
        }
        FnKind::Async | FnKind::BoxedFuture => {
            quote_spanned!(mixed=> #k::__private::Body::Inline(async move { __cache_body(#(#arguments),*).await }))
        }
    }
}

/// The body with arguments of its own.
fn detached(model: &Model, background: &BackgroundBody) -> TokenStream {
    let mixed = Span::mixed_site();
    let params = || background.params.iter().enumerate();
    let lets = params().map(|(index, param)| take_owned(model, index, param));
    let arguments = params().map(|(index, param)| owned_argument(model, index, param));
    let span = mixed_at(model.func.sig.ident.span());
    let k = model.krate_at(span);
    let needs_send = needs_send(model, span);
    let body = match model.func.output.kind {
        FnKind::Sync => {
            quote_spanned!(span=> #k::__private::SyncBody::#needs_send(move || __cache_body(#(#arguments),*)))
        }
        FnKind::Async | FnKind::BoxedFuture => {
            quote_spanned!(span=> #k::__private::Body::#needs_send(async move { __cache_body(#(#arguments),*).await }))
        }
    };
    quote_spanned!(mixed=> { #(#lets)* #body })
}

/// The statement that takes an argument to the background.
pub(crate) fn take_owned(model: &Model, index: usize, param: &ClosureParam) -> TokenStream {
    let ClosureParam { cfgs, by_ref, span, .. } = param;
    let (owned, value) = (numbered("owned", index), relocated(param.value.clone(), *span));
    let take =
        Ident::new(if *by_ref { "clone_for_background" } else { "move_to_background" }, mixed_at(*span));
    let k = model.krate_at(*span);
    quote_spanned!(mixed_at(*span)=> #(#cfgs)* let #owned = #k::__private::#take(#value);)
}

/// The argument that was taken to the background.
pub(crate) fn owned_argument(model: &Model, index: usize, param: &ClosureParam) -> TokenStream {
    let (k, owned) = (&model.krate, numbered("owned", index));
    let value = if param.by_ref {
        quote_spanned!(Span::mixed_site()=> #k::__private::borrowed(&#owned))
    } else {
        quote!(#owned)
    };
    argument(&param.cfgs, value)
}

/// The constructor of a body that outlives the call. Its name tells which option needs a body that is `Send`.
pub(crate) fn needs_send(model: &Model, span: Span) -> Ident {
    let option = model.call_site.in_background.first().copied().unwrap_or("background");
    Ident::new(&format!("{option}_needs_send"), span)
}
