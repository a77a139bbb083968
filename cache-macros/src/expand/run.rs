//! Run: the probes of the return type, and the call of the runtime that computes or serves the value.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::expand::body::compute;
use crate::expand::{background, late, rules};
use crate::input::output::FnKind;
use crate::model::{Action, Model};
use crate::read::copies::Copies;
use crate::tokens::spans::mixed_at;

/// Probes the return type.
pub(crate) fn probes(model: &Model) -> TokenStream {
    let (cacheable, caps) = match &model.action {
        Action::Cache { copies, .. } => (Some(cacheable(model)), Some(caps(model, *copies))),
        Action::Put { .. } => (Some(cacheable(model)), None),
        // `expand/many.rs` has its own.
        Action::Many { .. } | Action::Evict { .. } => (None, None),
    };
    let (shape, has_none) = (shape_probe(model), has_none(model));
    quote!(#shape #cacheable #has_none #caps)
}

/// Probes the return type for its shape.
pub(crate) fn shape_probe(model: &Model) -> TokenStream {
    let result = model.result();
    let span = mixed_at(result.span());
    let k = model.krate_at(result.span());
    quote_spanned!(span=>
        let __cache_shape = {
            #[allow(unused_imports)]
            use #k::__private::{ViaOption as _, ViaPlain as _, ViaResult as _, ViaResultOption as _};
            (&&&&#k::__private::Ret::<#result>::new()).__cache_shape()
        };
    )
}

/// Checks that the value can be cached.
fn cacheable(model: &Model) -> TokenStream {
    let result = model.result();
    let k = model.krate_at(result.span());
    let kind = cacheable_kind(
        model,
        &quote_spanned!(mixed_at(result.span())=> #k::__private::cacheable::<#result, _>(&__cache_shape)),
    );
    quote_spanned!(mixed_at(result.span())=> let __cache_shape = #kind.checked(__cache_shape);)
}

/// The kind of a value by its traits, from a probe for it.
pub(crate) fn cacheable_kind(model: &Model, probe: &TokenStream) -> TokenStream {
    let place = model.result().span();
    let k = model.krate_at(place);
    quote_spanned!(mixed_at(place)=>
        {
            #[allow(unused_imports)]
            use #k::__private::{
                ViaDeserialize as _, ViaOther as _, ViaResponse as _, ViaSerde as _, ViaSerialize as _,
            };
            (&&&&&#probe).__cache_cacheable()
        }
    )
}

/// Checks that the type has a `None`, if `none_expire` is written.
fn has_none(model: &Model) -> Option<TokenStream> {
    let place = model.call_site.none_expire_span?;
    let k = model.krate_at(place);
    Some(quote_spanned!(mixed_at(place)=> #k::__private::has_none(&__cache_shape);))
}

/// Probes the traits of value and error.
fn caps(model: &Model, copies: Copies) -> TokenStream {
    let result = model.result();
    let span = mixed_at(result.span());
    let k = model.krate_at(result.span());
    let bytes_only = quote_spanned!(span=> #k::__private::bytes_only::<#result, _>(&__cache_shape));
    let caps = match copies {
        Copies::All => quote_spanned!(span=> (&&&__cache_probe).__cache_caps()),
        Copies::Errors => bytes_only,
        Copies::None => return quote_spanned!(span=> let __cache_caps = #bytes_only;),
    };
    quote_spanned!(span=>
        let __cache_caps = {
            #[allow(unused_imports)]
            use #k::__private::{
                ViaArc as _, ViaClone as _, ViaDebug as _, ViaDecode as _, ViaEqual as _, ViaNoDebug as _, ViaNoEqual as _,
                ViaOwn as _, ViaShare as _,
            };
            let __cache_probe = #k::__private::value_caps::<#result, _>(&__cache_shape);
            #caps
                .sharing((&&#k::__private::Ret::<#result>::new()).__cache_share())
                .comparing((&&__cache_probe).__cache_equal(), (&&__cache_probe).__cache_text())
        };
    )
}

/// Calls the runtime.
pub(crate) fn run(model: &Model) -> TokenStream {
    let result = model.result();
    let span = mixed_at(result.span());
    let k = model.krate_at(result.span());
    let is_sync = matches!(model.func.output.kind, FnKind::Sync);
    let runtime = |name: &str| {
        let name = Ident::new(&if is_sync { format!("{name}_sync") } else { name.to_owned() }, span);
        quote_spanned!(span=> #k::__private::#name)
    };
    let wait = if is_sync { TokenStream::new() } else { quote_spanned!(span=> .await) };
    match &model.action {
        Action::Cache { runtime_options, background, .. } => {
            let rules = rules::statements(model, runtime_options, result);
            let (run, make_body, body) = match background {
                None => (runtime("run"), TokenStream::new(), compute(model)),
                Some(background) => (
                    runtime("run_detachable"),
                    background::statements(model, background),
                    quote_spanned!(span=> __cache_make_body),
                ),
            };
            quote_spanned!(span=> #rules #make_body
                #run(__cache_found, __cache_shape, __cache_caps, __cache_rules, #body)#wait
            )
        }
        // `expand/many.rs` has its own.
        Action::Many { .. } => TokenStream::new(),
        Action::Evict { late: None, .. } => {
            let (evict, body) = (runtime("evict"), compute(model));
            quote_spanned!(span=> #evict(__cache_evict, __cache_shape, #body)#wait)
        }
        Action::Evict { late: Some(late), .. } => {
            let late = late::statements(model, late, result);
            let (evict, body) = (runtime("evict_named"), compute(model));
            quote_spanned!(span=> #late
                #evict(__cache_evict, __cache_shape, __cache_late, #body)#wait
            )
        }
        Action::Put { runtime_options, .. } => {
            let rules = rules::statements(model, runtime_options, result);
            let (put, body) = (runtime("put"), compute(model));
            quote_spanned!(span=> #rules
                #put(__cache_put, __cache_shape, __cache_rules, #body)#wait
            )
        }
    }
}
