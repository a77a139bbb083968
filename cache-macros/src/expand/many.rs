//! Many: a function for several ids.
//!
//! ```text
//! // Input:   #[cache_many(of = user_entry)]
//! //          async fn users(#[cache(ignore)] db: &Db, ids: &[u64]) -> Result<HashMap<u64, User>, DbError> { BODY }
//! // Output:  the call site, and then
//! let __cache_each = ids(&ids[..]);
//! let __cache_kind = (&&&&&__cache_each.cacheable::<R>()).__cache_cacheable();
//! let __cache_each = __cache_kind.checked(__cache_each);
//! let __cache_caps = { let __cache_probe = __cache_each.caps::<R>(); (&&&__cache_probe).__cache_caps().comparing(..) };
//! let __cache_when = true;
//! let __cache_many = Many::of(&__CACHE_CALL_SITE, name_of(&|| {}), __cache_when, &ids[..], user_entry);
//! let __cache_rules = Rules::new(NoUnless, NoExpireWith);
//! __cache_kind.checked(__cache_each.checked::<R, _>(run_many))(__cache_many, __cache_caps, __cache_rules, move |__cache_ids: Vec<_>| {
//!     let db = pass_again(&db);
//!     async move { let ids = &__cache_ids[..]; BODY }
//! })
//! .await
//! ```
//!
//! Without `of` the entries are those of the function itself, and `Many::new` takes the call of one id, in which `ids` is the id.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use crate::expand::background;
use crate::expand::body::{body_span, typed_return};
use crate::expand::run::cacheable_kind;
use crate::expand::{call, key};
use crate::input::body::without_lifetimes;
use crate::input::output::{FnKind, returned};
use crate::model::Model;
use crate::read::background::BackgroundBody;
use crate::read::copies::Copies;
use crate::read::key::KeyPart;
use crate::read::many::{IdsForm, IdsParam, ManyEntries};
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::spans::{braced, mixed_at};

/// The parts of a function for several ids.
pub(crate) struct ManyParts<'m> {
    pub(crate) ids: &'m IdsParam,
    pub(crate) entries: &'m ManyEntries,
    pub(crate) when: Option<&'m Expr>,
    pub(crate) copies: Copies,
    pub(crate) runtime_options: &'m RuntimeOptions,
    pub(crate) background: Option<&'m BackgroundBody>,
}

/// The statements that replace the body.
pub(crate) fn statements(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let (caps, many, rules, run) =
        (caps(model, parts), many(model, parts), rules(model, parts), run(model, parts));
    let when = parts.when.map_or_else(|| quote!(true), |when| quote!(#when));
    let (each, cacheable) = (each(model, parts), cacheable(model));
    quote_spanned!(Span::mixed_site()=>
        #each #cacheable #caps let __cache_when: bool = #when; #many #rules #run
    )
}

/// Checks that the value of one id can be cached.
fn cacheable(model: &Model) -> TokenStream {
    let (result, place) = (model.result(), mixed_at(model.result().span()));
    let kind = cacheable_kind(model, &quote_spanned!(place=> __cache_each.cacheable::<#result>()));
    quote_spanned!(place=>
        let __cache_kind = #kind;
        let __cache_each = __cache_kind.checked(__cache_each);
    )
}

/// The statement that names the type of the ids, at that type.
fn each(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let slice = slice(parts);
    let k = model.krate_at(parts.ids.ty_span);
    quote_spanned!(mixed_at(parts.ids.ty_span)=> let __cache_each = #k::__private::ids(#slice);)
}

/// The ids as a slice.
fn slice(parts: &ManyParts<'_>) -> TokenStream {
    let ids = &parts.ids.ident;
    quote_spanned!(mixed_at(parts.ids.span())=> &#ids[..])
}

/// Probes the traits of the value of one id.
fn caps(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let result = model.result();
    let span = mixed_at(result.span());
    let k = model.krate_at(result.span());
    if parts.copies != Copies::All {
        return quote_spanned!(span=> let __cache_caps = __cache_each.bytes_only::<#result>(););
    }
    quote_spanned!(span=>
        let __cache_caps = {
            #[allow(unused_imports)]
            use #k::__private::{
                ViaArc as _, ViaClone as _, ViaDebug as _, ViaDecode as _, ViaEqual as _, ViaNoDebug as _, ViaNoEqual as _,
            };
            let __cache_probe = __cache_each.caps::<#result>();
            (&&&__cache_probe)
                .__cache_caps()
                .comparing((&&__cache_probe).__cache_equal(), (&&__cache_probe).__cache_text())
        };
    )
}

/// The statement that makes `__cache_many`.
fn many(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let (k, slice, mixed) = (&model.krate, slice(parts), Span::mixed_site());
    match parts.entries {
        ManyEntries::Own(own) => {
            let ids = &parts.ids.ident;
            let (cache, group, tags) = (call::cache(model), call::group(model), call::tags(model));
            let options = parts.runtime_options;
            let expiry = call::expiry(options.expire.as_ref(), options.none_expire.as_ref());
            let (key, beside) = (key::method(model, own), key::beside_method(model, own));
            let result = model.result();
            let shaped = model.call_site.may_store_by_position().then(|| {
                let place = mixed_at(result.span());
                quote_spanned!(place=> .shaped(__cache_each.shape::<#result>()))
            });
            // Located as `ids(..)`, so that the compiler reports a type that cannot be an id once.
            let at = model.krate_at(parts.ids.ty_span);
            let new = quote_spanned!(mixed_at(parts.ids.ty_span)=> #at::__private::Many::new);
            quote_spanned!(mixed=>
                #[allow(unused_variables, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
                let __cache_many = #new(#slice, |#ids| {
                    let mut __cache_call =
                        #k::__private::Call::new(&__CACHE_CALL_SITE, #k::__private::name_of(&|| {}));
                    let _ = __cache_call
                        .when(__cache_when) #cache #expiry #group #tags #key #beside #shaped;
                    __cache_call
                });
            )
        }
        ManyEntries::Of { entry, is_untyped, outside } => {
            let outside = outside.iter().map(|part| outside_part(model, part));
            let span = mixed_at(entry.span());
            let at = model.krate_at(entry.span());
            let entry = if *is_untyped {
                quote_spanned!(span=> #at::__private::by_owned(#slice, #entry))
            } else {
                quote!(#entry)
            };
            quote_spanned!(span=>
                #(#outside)*
                #[allow(clippy::redundant_closure)]
                let __cache_many = #at::__private::Many::of(
                    &__CACHE_CALL_SITE, #at::__private::name_of(&|| {}), __cache_when, #slice, #entry,
                );
            )
        }
    }
}

/// Checks that an argument which `of` does not mention is ignored by its type.
fn outside_part(model: &Model, part: &KeyPart) -> TokenStream {
    let KeyPart { value, span, cfgs } = part;
    let k = model.krate_at(*span);
    quote_spanned!(mixed_at(*span)=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            let __cache_part = &(#value);
            use #k::__private::{ViaExtract as _, ViaHash as _, ViaIgnore as _, ViaSet as _, ViaShared as _};
            #k::__private::outside_entry(
                (&&&&#k::__private::probe::<#k::__private::InFunction, _>(__cache_part)).__cache_kind(),
            );
        }
    )
}

/// The statements that make `__cache_rules`.
fn rules(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let (k, result, mixed) = (&model.krate, model.result(), Span::mixed_site());
    let RuntimeOptions { unless, expire_with, .. } = parts.runtime_options;
    let unless = match unless {
        Some(unless) => {
            quote_spanned!(mixed_at(unless.span())=> __cache_each.unless::<#result, _>(#unless))
        }
        None => quote_spanned!(mixed=> #k::__private::NoUnless),
    };
    let expire_with = match expire_with {
        Some(expire) => {
            quote_spanned!(mixed_at(expire.span())=> __cache_each.expire_with::<#result, _, _>(#expire))
        }
        None => quote_spanned!(mixed=> #k::__private::NoExpireWith),
    };
    quote_spanned!(mixed=>
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_rules = #k::__private::Rules::new(#unless, #expire_with);
    )
}

/// Calls the runtime.
fn run(model: &Model, parts: &ManyParts<'_>) -> TokenStream {
    let result = model.result();
    let (span, k) = (mixed_at(result.span()), model.krate_at(result.span()));
    let is_sync = matches!(model.func.output.kind, FnKind::Sync);
    let (name, definitions, body) = match parts.background {
        None => ("run_many", None, inline(model, parts.ids)),
        Some(body) => (
            "run_many_detachable",
            Some(background::closure_statements(model, body)),
            detachable(model, parts, body),
        ),
    };
    let name = Ident::new(&if is_sync { format!("{name}_sync") } else { name.to_owned() }, span);
    let wait = if is_sync { TokenStream::new() } else { quote_spanned!(span=> .await) };
    quote_spanned!(span=>
        #definitions
        __cache_kind.checked(__cache_each.checked::<#result, _>(#k::__private::#name))(__cache_many, __cache_caps, __cache_rules, #body)#wait
    )
}

/// The statement that gives the ids of one run the name and the form of the argument.
fn bind_ids(ids: &IdsParam) -> TokenStream {
    let (ident, value, lints) = (&ids.ident, ids_value(ids), background::lints());
    quote_spanned!(Span::mixed_site()=> #lints let #ident = #value;)
}

/// The ids of one run in the form of the argument.
fn ids_value(ids: &IdsParam) -> TokenStream {
    match ids.form {
        IdsForm::Slice => quote_spanned!(Span::mixed_site()=> &__cache_ids[..]),
        IdsForm::VecRef => quote_spanned!(Span::mixed_site()=> &__cache_ids),
        IdsForm::Vec => quote_spanned!(Span::mixed_site()=> __cache_ids),
    }
}

/// The statements that take the other arguments for one run.
fn take_arguments(model: &Model, ids: &IdsParam) -> TokenStream {
    let others = model.func.params.iter().filter(|param| param.ident != ids.ident);
    let take = others.map(|param| {
        let (ident, cfgs, span, lints) = (&param.ident, &param.cfgs, param.ty.span(), background::lints());
        let k = model.krate_at(span);
        quote_spanned!(mixed_at(span)=> #(#cfgs)* #lints let #ident = #k::__private::pass_again(&#ident);)
    });
    take.collect()
}

/// The body as a closure that runs it for some of the ids.
fn inline(model: &Model, ids: &IdsParam) -> TokenStream {
    let (func, result, mixed) = (&model.func, model.result(), Span::mixed_site());
    let (take, bind, lets, body) =
        (take_arguments(model, ids), bind_ids(ids), func.lets(), model.body.stream());
    let block = |head: TokenStream| braced(body_span(model), quote!(#head #lets #body));
    let run = match func.output.kind {
        FnKind::Async => {
            let typed = typed_return(result);
            let block = block(quote!(#typed #bind));
            quote_spanned!(mixed=> async move #block)
        }
        FnKind::Sync => {
            let block = block(bind);
            quote_spanned!(mixed=> move || -> #result #block)
        }
        FnKind::BoxedFuture => {
            let boxed = returned(&func.sig.output);
            // The ids live as long as the run, which has no name.
            let (boxed, block) = (without_lifetimes(quote!(#boxed)), block(TokenStream::new()));
            quote_spanned!(mixed=> async move {
                #bind
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    };
    quote_spanned!(mixed=> move |__cache_ids: ::std::vec::Vec<_>| { #take #run })
}

/// The body as a closure that runs it in both ways: in the call for some of the ids, or in the background.
fn detachable(model: &Model, parts: &ManyParts<'_>, background: &BackgroundBody) -> TokenStream {
    let (k, mixed) = (&model.krate, Span::mixed_site());
    let is_ids = |value: &TokenStream| parts.ids.ident == value.to_string();
    let ids = ids_value(parts.ids);
    let take = take_arguments(model, parts.ids);
    let inline = background.params.iter().map(|param| {
        let value = if is_ids(&param.value) { ids.clone() } else { param.value.clone() };
        background::argument(&param.cfgs, value)
    });
    let others = background.params.iter().enumerate().filter(|(_, param)| !is_ids(&param.value));
    let owned = others.map(|(index, param)| background::take_owned(model, index, param));
    let borrowed = background.params.iter().enumerate().map(|(index, param)| {
        if is_ids(&param.value) { ids.clone() } else { background::owned_argument(model, index, param) }
    });
    let call_inline = quote_spanned!(mixed=> __cache_body(#(#inline),*));
    let call_background = quote_spanned!(mixed=> __cache_body(#(#borrowed),*));
    let span = mixed_at(model.func.sig.ident.span());
    let (at, needs_send) = (model.krate_at(span), background::needs_send(model, span));
    let (inline, detached) = match model.func.output.kind {
        FnKind::Sync => (
            quote_spanned!(mixed=> #k::__private::SyncManyBody::Inline(move || #call_inline)),
            quote_spanned!(span=> #at::__private::SyncManyBody::#needs_send(move |__cache_ids: ::std::vec::Vec<_>| #call_background)),
        ),
        FnKind::Async | FnKind::BoxedFuture => (
            quote_spanned!(mixed=> #k::__private::ManyBody::Inline(async move { #call_inline.await })),
            quote_spanned!(span=> #at::__private::ManyBody::#needs_send(
                move |__cache_ids: ::std::vec::Vec<_>| async move { #call_background.await }
            )),
        ),
    };
    quote_spanned!(mixed=>
        move |__cache_ids: ::core::option::Option<::std::vec::Vec<_>>| match __cache_ids {
            ::core::option::Option::Some(__cache_ids) => { #take #inline }
            ::core::option::Option::None => { #take #(#owned)* #detached }
        }
    )
}
