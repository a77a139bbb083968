//! Body: the user's body as the closure or future that the runtime runs.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::input::output::{FnKind, returned};
use crate::input::types;
use crate::model::Model;
use crate::tokens::spans::{braced, mixed_at};

/// The body of a function that runs in its call only.
pub(crate) fn compute(model: &Model) -> TokenStream {
    let (func, result) = (&model.func, model.result());
    let (lets, body) = (func.lets(), model.body.stream());
    let block = |head: TokenStream| braced(body_span(model), quote!(#head #lets #body));
    let mixed = Span::mixed_site();
    // Located at the body, where a message about an argument that the body moves and a closure uses is about.
    let place = mixed_at(body_span(model));
    match func.output.kind {
        FnKind::Async => {
            let block = block(typed_return(result));
            quote_spanned!(place=> async move #block)
        }
        FnKind::Sync => {
            let block = block(TokenStream::new());
            quote_spanned!(place=> move || -> #result #block)
        }
        FnKind::BoxedFuture => {
            // A closure, because a `return` in the body returns the box and not its output.
            let (boxed, block) = (returned(&func.sig.output), block(TokenStream::new()));
            quote_spanned!(mixed=> async move {
                #[allow(clippy::redundant_closure_call)]
                let __cache_boxed = (move || -> #boxed #block)();
                __cache_boxed.await
            })
        }
    }
}

/// Turns `compute`, a future of what the user's function returns, into a response. A compiler message about a type that is no
/// response points at the return type.
pub(crate) fn into_response(model: &Model, compute: &TokenStream) -> TokenStream {
    let place = model.result().span();
    let k = model.krate_at(place);
    quote_spanned!(mixed_at(place)=>
        let __cache_returned = #compute.await;
        #k::__private::responded(__cache_returned)
    )
}

/// [`into_response`] beside what `__cache_late` names by that which the function returns.
pub(crate) fn named_response(model: &Model, compute: &TokenStream) -> TokenStream {
    let (result, place) = (model.result(), model.result().span());
    let k = model.krate_at(place);
    quote_spanned!(mixed_at(place)=>
        let (__cache_returned, __cache_targets) =
            #k::__private::late_targets::<#result, _, _>(#compute.await, __cache_shape, &__cache_late);
        (#k::__private::responded(__cache_returned), __cache_targets)
    )
}

/// A return that never runs. It tells the compiler the type of the block, as the signature of a function would, so that type errors
/// point at the body and `Err(Box::new(error))` becomes a `Box<dyn Error>`. A type without a name is left to inference.
pub(crate) fn typed_return(ty: &Type) -> TokenStream {
    if matches!(types::peel(ty), Type::ImplTrait(_)) {
        return TokenStream::new();
    }
    let result = types::with_placeholders(ty);
    quote_spanned!(mixed_at(ty.span())=>
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_unit_value,
            clippy::needless_return
        )]
        if false {
            let __cache_never: #result = loop {};
            return __cache_never;
        }
    )
}

/// The span of the user's braces.
pub(crate) fn body_span(model: &Model) -> Span {
    model.body.span()
}
