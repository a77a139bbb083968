//! Expand: Model -> tokens. Nothing can fail here.
//!
//! ```text
//! // Input:   #[cache(expire = "5m")]
//! //          async fn user(#[cache(ignore)] db: &Db, id: u64) -> Result<User, DbError> { BODY }
//! // Output:
//! async fn user(db: &Db, id: u64) -> Result<User, DbError> {
//!     static __CACHE_SITE: Site = Site::new(module_path!(), "user", file!(), line!(), Policy::new().expire(..));
//!     let __cache_shape = (&&&&Ret::<Result<User, DbError>>::new()).__cache_shape();
//!     let __cache_kept = (&&kept::<Result<User, DbError>, _>(&__cache_shape)).__cache_caps();
//!     let __cache_found = (&mut Call::new(&__CACHE_SITE, name_of(&|| {}))).args(|__cache_key| {
//!         { let __cache_part = &id; (&&&&Probe(__cache_part)).__cache_kind().put(__cache_part, __cache_key); }
//!     }).find(__cache_kept);
//!     let __cache_unless = never(&__cache_shape);
//!     let __cache_expire = as_declared(&__cache_shape);
//!     run(__cache_found, __cache_shape, __cache_kept, __cache_unless, __cache_expire, async move {
//!         if false { return loop {} as Result<User, DbError>; }
//!         BODY
//!     })
//!     .await
//! }
//! ```
//!
//! The call is one expression, and its methods take it by reference: it is moved only where it does not find its value in the
//! process. The reference is written out, so that no method of a trait of the user's is nearer than ours. A function that returns a
//! boxed future makes the call before the box (`let mut __cache_call = (&mut Call::new(..))...made()`) and asks it inside
//! (`(&mut __cache_call).find(__cache_kept)`).
//!
//! With options that refresh in the background the end of it is another one, which `work` shows; with `response` so is the
//! signature, which `respond` shows.
//!
//! Every token of ours has a span of the macro's own, so that names of ours and the user's never meet and lints pass by.
//! What a message should point at keeps the place of the user's token.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::entry::{self, EntryFn};
use crate::func::braced;
use crate::model::{Action, Model};
use crate::shape::{self, Flavor};
use crate::site::Keeping;
use crate::{call, krate, respond, work};

/// The place of `span`, with names of our own.
pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

pub(crate) fn item(model: &Model) -> TokenStream {
    let func = &model.func;
    let (attrs, vis, mut sig) = (&func.attrs, &func.vis, func.signature());
    if let Action::Cache { apart: Some(_), .. } = &model.action {
        // It is the closure that may change it.
        sig.inputs.iter_mut().for_each(entry::unmoved);
    }
    let mut lints = TokenStream::new();
    if let Some(handler) = &model.handler {
        respond::signature(model, handler, &mut sig);
        // One of them is ours. Before the attributes of the user, who may have more to say about it.
        if model.is_cache() {
            lints = quote_spanned!(Span::mixed_site()=> #[allow(clippy::too_many_arguments)]);
        }
    }
    let site = call::site(model);
    let prologue = call::prologue(model);
    let computed = match (&model.handler, &func.shape.flavor) {
        (Some(handler), _) => {
            let driven = respond::driven(model, handler);
            quote!(#prologue #driven)
        }
        (None, Flavor::Async | Flavor::Sync) => {
            let (probes, driven) = (probes(model), driven(model));
            quote!(#probes #prologue #driven)
        }
        (None, Flavor::Boxed) => {
            let (probes, driven) = (probes(model), driven(model));
            let find = model.is_cache().then(
                || quote_spanned!(Span::mixed_site()=> let __cache_found = (&mut __cache_call).find(__cache_kept);),
            );
            quote_spanned!(Span::mixed_site()=>
                #prologue
                ::std::boxed::Box::pin(async move { #probes #find #driven })
            )
        }
    };
    let beside = match &model.action {
        Action::Cache { entry: Some(entry), .. } => entry_fn(model, entry),
        _ => TokenStream::new(),
    };
    let inner = &func.inner;
    let body = braced(span_of_body(model), quote!(#(#inner)* #site #computed));
    quote!(#lints #(#attrs)* #vis #sig #body #beside)
}

/// Probes the return type.
fn probes(model: &Model) -> TokenStream {
    let result = model.result();
    let span = at(result.span());
    let k = krate::located(&model.krate, result.span());
    let kept = model.is_cache().then(|| kept(model));
    quote_spanned!(span=>
        let __cache_shape = {
            #[allow(unused_imports)]
            use #k::__private::{ViaOption as _, ViaPlain as _, ViaResult as _, ViaResultOption as _};
            (&&&&#k::__private::Ret::<#result>::new()).__cache_shape()
        };
        #kept
    )
}

/// Hands everything to the runtime.
fn driven(model: &Model) -> TokenStream {
    let result = model.result();
    let span = at(result.span());
    let k = krate::located(&model.krate, result.span());
    let blocking = matches!(model.func.shape.flavor, Flavor::Sync);
    let driver = |name: &str| {
        let name = if blocking { format!("{name}_sync") } else { name.to_owned() };
        let name = proc_macro2::Ident::new(&name, span);
        quote_spanned!(span=> #k::__private::#name)
    };
    let compute = compute(model);
    let wait = if blocking { TokenStream::new() } else { quote_spanned!(span=> .await) };
    match &model.action {
        Action::Cache { keeping, apart, .. } => {
            let keeping = rules(model, keeping, model.result());
            let (run, work, compute) = match apart {
                None => (driver("run"), TokenStream::new(), compute),
                Some(apart) => {
                    (driver("run_detachable"), work::work(model, apart), quote_spanned!(span=> __cache_work))
                }
            };
            quote_spanned!(span=> #keeping #work
                #run(__cache_found, __cache_shape, __cache_kept, __cache_unless, __cache_expire, #compute)#wait
            )
        }
        Action::Evict { .. } => {
            let evict = driver("evict");
            quote_spanned!(span=> #evict(__cache_evict, __cache_shape, #compute)#wait)
        }
        Action::Put { keeping, .. } => {
            let (put, keeping) = (driver("put"), rules(model, keeping, model.result()));
            quote_spanned!(span=> #keeping
                #put(__cache_put, __cache_shape, __cache_unless, __cache_expire, #compute)#wait
            )
        }
    }
}

fn kept(model: &Model) -> TokenStream {
    let result = model.result();
    let span = at(result.span());
    let k = krate::located(&model.krate, result.span());
    if model.site.generic || !shape::is_concrete(result) {
        return quote_spanned!(span=> let __cache_kept = #k::__private::bytes_only::<#result, _>(&__cache_shape););
    }
    quote_spanned!(span=>
        let __cache_kept = {
            #[allow(unused_imports)]
            use #k::__private::{ViaClone as _, ViaDecode as _, ViaOwn as _, ViaShare as _};
            (&&#k::__private::value_caps::<#result, _>(&__cache_shape))
                .__cache_caps()
                .sharing((&&#k::__private::Ret::<#result>::new()).__cache_share())
        };
    )
}

/// What the value itself says: whether to keep it, and for how long. `result` is the type of which `__cache_shape` is the shape.
pub(crate) fn rules(model: &Model, keeping: &Keeping, result: &impl ToTokens) -> TokenStream {
    let k = &model.krate;
    let unless = match &keeping.unless {
        Some(unless) => {
            let k = krate::located(k, unless.span());
            quote_spanned!(at(unless.span())=> #k::__private::unless::<#result, _, _>(&__cache_shape, #unless))
        }
        None => quote_spanned!(Span::mixed_site()=> #k::__private::no_unless::<#result, _>(&__cache_shape)),
    };
    let expire_with = match &keeping.expire_with {
        Some(expire) => {
            let k = krate::located(k, expire.span());
            quote_spanned!(at(expire.span())=> #k::__private::expire_with::<#result, _, _, _>(&__cache_shape, #expire))
        }
        None => {
            quote_spanned!(Span::mixed_site()=> #k::__private::no_expire_with::<#result, _>(&__cache_shape))
        }
    };
    quote_spanned!(Span::mixed_site()=>
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_unless = #unless;
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_expire = #expire_with;
    )
}

/// The user's body, run when the runtime asks for it.
pub(crate) fn compute(model: &Model) -> TokenStream {
    let (func, result) = (&model.func, model.result());
    let (lets, body) = (func.lets(), func.body.as_ref().map(proc_macro2::Group::stream));
    let block = |head: TokenStream| braced(span_of_body(model), quote!(#head #lets #body));
    let mixed = Span::mixed_site();
    match func.shape.flavor {
        Flavor::Async => {
            let block = block(edge(result));
            quote_spanned!(mixed=> async move #block)
        }
        Flavor::Sync => {
            let block = block(TokenStream::new());
            quote_spanned!(mixed=> move || -> #result #block)
        }
        Flavor::Boxed => {
            // A closure, because a `return` in the body gives the box and not what comes out of it.
            let (boxed, block) = (crate::func::returned(&func.sig.output), block(TokenStream::new()));
            quote_spanned!(mixed=> async move {
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    }
}

pub(crate) fn span_of_body(model: &Model) -> Span {
    model.func.body.as_ref().map_or_else(Span::mixed_site, proc_macro2::Group::span)
}

/// A return that never happens: it tells the compiler the type of the block, as the signature of a function would, so
/// that type errors point at the body and `Err(Box::new(error))` becomes a `Box<dyn Error>`. What has no name is left to the compiler.
pub(crate) fn edge(ty: &Type) -> TokenStream {
    if matches!(shape::peel(ty), Type::ImplTrait(_)) {
        return TokenStream::new();
    }
    let result = shape::named(ty);
    quote_spanned!(at(ty.span())=>
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_unit_value,
            clippy::needless_return
        )]
        if false {
            let __cache_edge: #result = loop {};
            return __cache_edge;
        }
    )
}

fn entry_fn(model: &Model, entry: &EntryFn) -> TokenStream {
    let (k, func) = (&model.krate, &model.func);
    let EntryFn { ident, inputs, mentioned, .. } = entry;
    let cfgs = func.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let (vis, generics, bounds) = (&func.vis, &func.sig.generics, &func.sig.generics.where_clause);
    let (site, call) = (call::site(model), call::entry(model, entry));
    let function = func.sig.ident.unraw().to_string();
    let doc = format!("The cache entry of `{function}` for these arguments.");
    let output = quote_spanned!(Span::mixed_site()=> -> #k::Entry);
    let body = quote_spanned!(Span::mixed_site()=> { #(#mentioned)* #site #call });
    let lints = quote_spanned!(Span::mixed_site()=>
        #[allow(
            clippy::extra_unused_lifetimes,
            clippy::extra_unused_type_parameters,
            clippy::needless_lifetimes,
            clippy::needless_pass_by_value,
            clippy::ptr_arg,
            clippy::too_many_arguments,
            clippy::trivially_copy_pass_by_ref
        )]
    );
    let fun = quote_spanned!(Span::mixed_site()=> fn);
    quote!(#(#cfgs)* #[doc = #doc] #lints #vis #fun #ident #generics (#(#inputs),*) #output #bounds #body)
}

/// A text as generated code spells it.
pub(crate) fn literal(text: &str) -> TokenStream {
    syn::LitStr::new(text, Span::mixed_site()).into_token_stream()
}
