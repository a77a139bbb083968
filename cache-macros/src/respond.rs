//! Respond: the expansion of an attribute with `response`. The function becomes one that axum calls with the request beside its
//! arguments, and that answers with a response.
//!
//! ```text
//! // Input:   #[cache(response, expire = 30, vary(accept_language))]
//! //          async fn item(Path(id): Path<u64>, State(db): State<Db>) -> Result<Json<Item>, AppError> { BODY }
//! // Output:
//! async fn item(__cache_incoming: Incoming, __cache_arg0: Path<u64>, __cache_arg1: State<Db>) -> Response {
//!     static __CACHE_SITE: Site = ..;
//!     static __CACHE_HANDLER: Handler = Handler::new().vary(&["accept-language"]);
//!     let __cache_call = (&mut Call::new(..))...made();
//!     let __cache_shape = AsResponse;
//!     let __cache_unless = never::<Outcome, _>(&__cache_shape);
//!     let __cache_expire = as_declared::<Outcome, _>(&__cache_shape);
//!     respond(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_unless, __cache_expire, async move {
//!         let __cache_answer = async move {
//!             if false { return loop {} as Result<Json<Item>, AppError>; }
//!             let Path(id) = __cache_arg0;
//!             let State(db) = __cache_arg1;
//!             BODY
//!         }
//!         .await;
//!         responded(__cache_answer)
//!     })
//!     .await
//! }
//! ```
//!
//! The closures `unless` and `expire_with` are given the response that would be stored, whatever the function returns. With options that
//! refresh in the background it is `respond_apart(.., __cache_work)`, and `work` shows the rest. `#[cache_evict]` and `#[cache_put]`
//! leave the arguments alone: `evict_response(__cache_evict, async move { .. })`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::token::{Colon, RArrow};
use syn::{FnArg, Pat, PatType, ReturnType, Signature, Type};

use crate::expand::{self, at, literal};
use crate::krate;
use crate::model::{Action, Model};
use crate::response::{Audience, Handler};
use crate::work;

/// Lets `sig` answer with a response, and take the request if that says what to answer.
pub(crate) fn signature(model: &Model, handler: &Handler, sig: &mut Signature) {
    let span = at(handler.span);
    let k = krate::located(&model.krate, handler.span);
    let response = Type::Verbatim(quote_spanned!(span=> #k::__private::Response));
    sig.output = ReturnType::Type(RArrow { spans: [span; 2] }, Box::new(response));
    if model.is_cache() {
        let incoming = PatType {
            attrs: Vec::new(),
            pat: Box::new(Pat::Verbatim(quote_spanned!(span=> __cache_incoming))),
            colon_token: Colon { spans: [span] },
            ty: Box::new(Type::Verbatim(quote_spanned!(span=> #k::__private::Incoming))),
        };
        sig.inputs.insert(0, FnArg::Typed(incoming));
    }
}

/// Hands everything to the runtime.
pub(crate) fn driven(model: &Model, handler: &Handler) -> TokenStream {
    let span = at(handler.span);
    let k = krate::located(&model.krate, handler.span);
    let shape = quote_spanned!(span=> let __cache_shape = #k::__private::AsResponse;);
    let outcome = quote_spanned!(span=> #k::__private::Outcome);
    let compute = || {
        let answer = answer(model, &expand::compute(model));
        quote_spanned!(Span::mixed_site()=> async move { #answer })
    };
    match &model.action {
        Action::Cache { keeping, apart, .. } => {
            let (statics, rules) = (statics(model, handler), expand::rules(model, keeping, &outcome));
            let (respond, work, compute) = match apart {
                None => ("respond", TokenStream::new(), compute()),
                Some(apart) => {
                    ("respond_detachable", work::work(model, apart), quote_spanned!(span=> __cache_work))
                }
            };
            let respond = Ident::new(respond, span);
            quote_spanned!(span=> #statics #shape #rules #work
                #k::__private::#respond(
                    __cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_unless, __cache_expire, #compute
                ).await
            )
        }
        Action::Evict { .. } => {
            let compute = compute();
            quote_spanned!(span=> #k::__private::evict_response(__cache_evict, #compute).await)
        }
        Action::Put { keeping, .. } => {
            let (rules, compute) = (expand::rules(model, keeping, &outcome), compute());
            quote_spanned!(span=> #shape #rules
                #k::__private::put_response(__cache_put, __cache_unless, __cache_expire, #compute).await
            )
        }
    }
}

/// The response that `compute`, a future of what the user's function returns, comes to. What is no response is told at the return type.
pub(crate) fn answer(model: &Model, compute: &TokenStream) -> TokenStream {
    let place = model.result().span();
    let k = krate::located(&model.krate, place);
    quote_spanned!(at(place)=>
        let __cache_answer = #compute.await;
        #k::__private::responded(__cache_answer)
    )
}

/// The `static` with what the options say about responses.
fn statics(model: &Model, handler: &Handler) -> TokenStream {
    let span = at(handler.span);
    let k = krate::located(&model.krate, handler.span);
    let Handler { vary, statuses, audience, asked, guarded, looks, .. } = handler;
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
    if *asked {
        built.extend(quote_spanned!(span=> .asked()));
    }
    if *guarded {
        built.extend(quote_spanned!(span=> .guarded()));
    }
    if *looks {
        built.extend(quote_spanned!(span=> .looks()));
    }
    quote_spanned!(span=> static __CACHE_HANDLER: #k::__private::Handler = #built;)
}
