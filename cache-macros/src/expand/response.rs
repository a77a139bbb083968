//! Response: the expansion of an attribute with `response`. axum calls the new function with the request beside the first of the
//! handler's own arguments, and the function returns a response. A handler without arguments is given one, the request.
//!
//! ```text
//! // Input:   #[cache(response, expire = 30, vary(accept_language))]
//! //          async fn item(Path(id): Path<u64>, State(db): State<Db>) -> Result<Json<Item>, AppError> { BODY }
//! // Output:
//! async fn item(__cache_arg0: WithIncoming<Path<u64>>, __cache_arg1: State<Db>) -> Response {
//!     static __CACHE_CALL_SITE: CallSite = ..;
//!     let (mut __cache_incoming, __cache_arg0) = WithIncoming::into_parts(__cache_arg0);
//!     let mut __cache_arg1 = __cache_arg1;
//!     {
//!         let __cache_body = (&BodyProbe::of(&__cache_arg1)).__cache_body();
//!         __cache_body.peek(&mut __cache_arg1, &mut __cache_incoming).await;
//!     }
//!     static __CACHE_HANDLER: Handler = Handler::new().vary(&["accept-language"]).arguments(&["id", "db"]);
//!     let __cache_call = (&mut Call::new(..))...made();
//!     let __cache_shape = AsResponse;
//!     let __cache_unless = NoUnless;
//!     let __cache_expire = NoExpireWith;
//!     let __cache_rules = Rules::new(__cache_unless, __cache_expire);
//!     respond(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_rules, async move {
//!         let __cache_returned = async move {
//!             if false { let __cache_never: Result<Json<Item>, AppError> = loop {}; return __cache_never; }
//!             let Path(id) = __cache_arg0;
//!             let State(db) = __cache_arg1;
//!             BODY
//!         }
//!         .await;
//!         responded(__cache_returned)
//!     })
//!     .await
//! }
//! ```
//!
//! The closures `unless` and `expire_with` receive the response that would be stored, whatever the function returns. With options that
//! refresh in the background the call is `respond_detachable(.., __cache_make_body)`, and `background` shows the rest. `#[cache_evict]` and
//! `#[cache_put]` leave the arguments as they are: `evict_response(__cache_evict, async move { .. })`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::token::{Colon, RArrow};
use syn::{FnArg, Pat, PatType, ReturnType, Signature, Type};

use crate::expand::body::{compute, into_response, named_response};
use crate::expand::{background, late, rules, run};
use crate::input::param::Param;
use crate::model::{Action, Model};
use crate::read::duration::Time;
use crate::read::key::{Key, KeySource};
use crate::read::response::{Audience, ResponseOptions};
use crate::tokens::spans::{literal, mixed_at};

/// Makes `sig` return a response, and take the request if the request decides how to respond. Returns the statements that separate
/// the request from the arguments.
pub(crate) fn signature(model: &Model, options: &ResponseOptions, sig: &mut Signature) -> TokenStream {
    let span = mixed_at(options.span);
    let k = model.krate_at(options.span);
    let response = Type::Verbatim(quote_spanned!(span=> #k::__private::Response));
    sig.output = ReturnType::Type(RArrow { spans: [span; 2] }, Box::new(response));
    if !model.is_cache() {
        return TokenStream::new();
    }
    let separated = match model.func.params.iter().position(|param| param.cfgs.is_empty()) {
        Some(index) => {
            // Handlers have no receiver, so parameters and inputs are numbered alike.
            if let Some(FnArg::Typed(typed)) = sig.inputs.get_mut(index) {
                let ty = &typed.ty;
                *typed.ty = Type::Verbatim(quote_spanned!(span=> #k::__private::WithIncoming<#ty>));
            }
            let ident = &model.func.params[index].ident;
            quote_spanned!(span=>
                #[allow(unused_mut, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
                let (mut __cache_incoming, #ident) = #k::__private::WithIncoming::into_parts(#ident);
            )
        }
        None => {
            sig.inputs.insert(0, incoming(model, options));
            quote_spanned!(span=>
                #[allow(unused_mut, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
                let mut __cache_incoming = __cache_incoming;
            )
        }
    };
    let peeks = peeks(model, options);
    quote!(#separated #peeks)
}

/// The parameter of a handler without arguments.
fn incoming(model: &Model, options: &ResponseOptions) -> FnArg {
    let span = mixed_at(options.span);
    let k = model.krate_at(options.span);
    FnArg::Typed(PatType {
        attrs: Vec::new(),
        pat: Box::new(Pat::Verbatim(quote_spanned!(span=> __cache_incoming))),
        colon_token: Colon { spans: [span] },
        ty: Box::new(Type::Verbatim(quote_spanned!(span=> #k::__private::Incoming))),
    })
}

/// Asks the last argument, which alone can hold the body of the request, for its first frame.
fn peeks(model: &Model, options: &ResponseOptions) -> TokenStream {
    let span = mixed_at(options.span);
    let k = model.krate_at(options.span);
    let params = &model.func.params;
    // The last one may exist in some builds only.
    let first = params.iter().rposition(|param| param.cfgs.is_empty()).unwrap_or_default();
    let peek = |param: &Param| {
        let Param { ident, cfgs, .. } = param;
        quote_spanned!(span=>
            #(#cfgs)*
            #[allow(unused_mut, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
            let mut #ident = #ident;
            #(#cfgs)*
            #[allow(unused_imports, clippy::used_underscore_binding)]
            {
                use #k::__private::{ViaNoBody as _, ViaPeek as _};
                let __cache_body = (&#k::__private::BodyProbe::of(&#ident)).__cache_body();
                __cache_body.peek(&mut #ident, &mut __cache_incoming).await;
            }
        )
    };
    params[first..].iter().map(peek).collect()
}

/// Calls the runtime.
pub(crate) fn run(model: &Model, options: &ResponseOptions) -> TokenStream {
    let span = mixed_at(options.span);
    let k = model.krate_at(options.span);
    let shape = quote_spanned!(span=> let __cache_shape = #k::__private::AsResponse;);
    let outcome = quote_spanned!(span=> #k::__private::Outcome);
    let body = || {
        let response = into_response(model, &compute(model));
        quote_spanned!(Span::mixed_site()=> async move { #response })
    };
    match &model.action {
        Action::Cache { runtime_options, background, .. } => {
            let (handler, rules) =
                (handler(model, options), rules::statements(model, runtime_options, &outcome));
            let client_max_age = client_max_age(model, options);
            let (respond, make_body, body) = match background {
                None => ("respond", TokenStream::new(), body()),
                Some(background) => (
                    "respond_detachable",
                    background::statements(model, background),
                    quote_spanned!(span=> __cache_make_body),
                ),
            };
            let respond = Ident::new(respond, span);
            quote_spanned!(span=> #handler #shape #rules #client_max_age #make_body
                #k::__private::#respond(
                    __cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_rules, #body
                ).await
            )
        }
        // A bulk function is no handler: it takes no `response`.
        Action::Many { .. } => TokenStream::new(),
        Action::Evict { late: None, .. } => {
            let body = body();
            quote_spanned!(span=> #k::__private::evict_response(__cache_evict, #body).await)
        }
        Action::Evict { late: Some(late), .. } => {
            let (probe, late) = (run::shape_probe(model), late::statements(model, late, model.result()));
            let named = named_response(model, &compute(model));
            quote_spanned!(span=> #probe #late
                #k::__private::evict_response(__cache_evict, async move { #named }).await
            )
        }
        Action::Put { runtime_options, .. } => {
            let (rules, body) = (rules::statements(model, runtime_options, &outcome), body());
            let etag = Ident::new(options.etag.unwrap_or("Weak"), span);
            let etag = quote_spanned!(span=> #k::__private::EtagKind::#etag);
            quote_spanned!(span=> #shape #rules
                #k::__private::put_response(__cache_put, __cache_rules, #etag, #body).await
            )
        }
    }
}

/// The `static` with the options about responses.
fn handler(model: &Model, options: &ResponseOptions) -> TokenStream {
    let span = mixed_at(options.span);
    let k = model.krate_at(options.span);
    let ResponseOptions { vary, statuses, audience, etag, client_max_age, .. } = options;
    let mut built = quote_spanned!(span=> #k::__private::Handler::new());
    if !vary.is_empty() {
        let names = vary.iter().map(|name| literal(name));
        built.extend(quote_spanned!(span=> .vary(&[#(#names),*])));
    }
    if !statuses.is_empty() {
        built.extend(quote_spanned!(span=> .statuses(&[#(#statuses),*])));
    }
    match audience {
        None => {}
        Some(Audience::Private) => built.extend(quote_spanned!(span=> .private())),
        Some(Audience::Shared) => built.extend(quote_spanned!(span=> .shared())),
    }
    if let Some(etag) = etag {
        let etag = Ident::new(etag, span);
        built.extend(quote_spanned!(span=> .etag(#k::__private::EtagKind::#etag)));
    }
    if let Some(Time::Fixed(millis)) = client_max_age {
        built.extend(quote_spanned!(span=> .client_max_age(::core::time::Duration::from_millis(#millis))));
    }
    for (is_set, setter) in [
        (options.is_revocable, "revocable"),
        (options.computes_expiry, "timed"),
        (options.names_entry, "asked"),
        (options.reads_response, "looks"),
    ] {
        if is_set {
            let setter = Ident::new(setter, span);
            built.extend(quote_spanned!(span=> .#setter()));
        }
    }
    let names = key_names(model);
    if !names.is_empty() {
        let names = names.iter().map(|name| literal(name));
        built.extend(quote_spanned!(span=> .arguments(&[#(#names),*])));
    }
    quote_spanned!(span=> static __CACHE_HANDLER: #k::__private::Handler = #built;)
}

/// The names of the arguments that the key is made of, for messages of the runtime.
fn key_names(model: &Model) -> Vec<String> {
    let Action::Cache { key: Key { source: KeySource::Arguments(_), .. }, .. } = &model.action else {
        return Vec::new();
    };
    let params = model.func.params.iter().filter(|param| !param.ignored && param.cfgs.is_empty());
    let names = params.flat_map(|param| match param.bindings() {
        _ if param.is_named() => vec![param.name()],
        bindings if bindings.is_empty() => vec![param.ty.to_token_stream().to_string().replace(' ', "")],
        bindings => bindings.iter().map(|binding| binding.name.unraw().to_string()).collect(),
    });
    names.collect()
}

/// The statement that notes `client_max_age = ..` for this request, if it is not a constant.
fn client_max_age(model: &Model, options: &ResponseOptions) -> TokenStream {
    let Some(Time::Computed(time)) = &options.client_max_age else { return TokenStream::new() };
    let span = mixed_at(time.span());
    let k = model.krate_at(time.span());
    quote_spanned!(span=>
        #[allow(clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
        let __cache_incoming =
            #k::__private::Incoming::client_max_age(__cache_incoming, &__CACHE_HANDLER, #time);
    )
}
