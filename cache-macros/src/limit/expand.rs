//! Expand: the function with a check before its body.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::LimitModel;
use crate::input::output::{FnKind, returned};
use crate::read::template::Piece;
use crate::tokens::spans::{braced, literal, located, mixed_at};

/// The function with a check before its body.
pub(super) fn function(model: &LimitModel) -> TokenStream {
    let func = &model.func;
    let (attrs, vis, sig, inner) = (&func.attrs, &func.vis, func.signature(), &func.inner);
    let Some(body) = &func.body else { return quote!(#(#attrs)* #vis #sig;) };
    let (setup, check) = (setup(model), check(model));
    let (lets, content) = (func.lets(), body.stream());
    let statements = match func.output.kind {
        FnKind::Async | FnKind::Sync => quote!(#setup #check #lets #content),
        FnKind::BoxedFuture => {
            let boxed = returned(&func.sig.output);
            let block = braced(body.span(), quote!(#lets #content));
            // A closure, because a `return` in the body returns the box and not its output.
            quote_spanned!(Span::mixed_site()=> ::std::boxed::Box::pin(async move {
                #setup
                #check
                #[allow(clippy::redundant_closure_call)]
                let __larder_boxed = (move || -> #boxed #block)();
                __larder_boxed.await
            }))
        }
    };
    let body = braced(body.span(), quote!(#(#inner)* #statements));
    quote!(#(#attrs)* #vis #sig #body)
}

/// The static limit of the function.
fn setup(model: &LimitModel) -> TokenStream {
    let (k, args, mixed) = (&model.krate, &model.args, Span::mixed_site());
    let rates = args.rates.iter().map(|(text, _)| literal(&text.value()));
    let scope = args.scope.as_ref().map(|scope| {
        let scope = literal(&scope.value());
        quote_spanned!(mixed=> .scope(#scope))
    });
    let cost = args.cost.map(|(cost, _)| quote_spanned!(mixed=> .cost(#cost)));
    let smooth = (args.smooth && args.burst.is_none()).then(|| quote_spanned!(mixed=> .smooth()));
    let burst = args.burst.map(|(burst, _)| quote_spanned!(mixed=> .burst(#burst)));
    let shadow = args.shadow.then(|| quote_spanned!(mixed=> .shadow()));
    let on_outage = args
        .on_outage
        .as_ref()
        .map(|variant| quote_spanned!(mixed=> .on_outage(#k::rate_limit::OnOutage::#variant)));
    quote_spanned!(mixed=>
        static __LARDER_LIMIT: #k::__private::FunctionLimit =
            #k::__private::FunctionLimit::new(&[#(#rates),*])#scope #cost #smooth #burst #shadow #on_outage;
    )
}

/// The statement that returns early if the call is refused. A message about the error of the function points at its result.
fn check(model: &LimitModel) -> TokenStream {
    let (k, mixed) = (&model.krate, Span::mixed_site());
    let (text, cache) = (text(model), cache(model));
    let check = match model.func.output.kind {
        FnKind::Async | FnKind::BoxedFuture => quote_spanned!(mixed=> .check().await),
        FnKind::Sync => quote_spanned!(mixed=> .check_blocking()),
    };
    let place = model.func.output.result.span();
    let at_result = located(&model.krate, place);
    let refused =
        quote_spanned!(mixed_at(place)=> #at_result::__private::FromLimited::from_limited(__larder_limited));
    quote_spanned!(mixed=>
        if let ::core::result::Result::Err(__larder_limited) =
            __LARDER_LIMIT.call(#k::__private::name_of(&|| {}), #text)#cache #check
        {
            return #refused;
        }
    )
}

/// The closure that writes the identity of the client.
fn text(model: &LimitModel) -> TokenStream {
    let (k, mixed) = (&model.krate, Span::mixed_site());
    let is_whole = model.by.len() == 1;
    let pieces = model.by.iter().map(|piece| match piece {
        Piece::Literal(text) => {
            let text = literal(text);
            quote_spanned!(mixed=> #k::__private::Text::literal(__larder_text, #text);)
        }
        Piece::Value { value, next, .. } => {
            let next = match next {
                Some(c) => quote_spanned!(mixed=> ::core::option::Option::Some(#c)),
                None => quote_spanned!(mixed=> ::core::option::Option::None),
            };
            let k = located(&model.krate, value.span());
            quote_spanned!(mixed_at(value.span())=> #k::__private::Text::value(__larder_text, &(#value), #next);)
        }
    });
    quote_spanned!(mixed=> #is_whole, |__larder_text: &mut #k::__private::Text| {
        #[allow(clippy::used_underscore_binding)]
        { #(#pieces)* }
    })
}

/// The cache whose store counts.
fn cache(model: &LimitModel) -> Option<TokenStream> {
    let cache = model.args.cache.as_ref()?;
    Some(quote_spanned!(mixed_at(cache.span())=> .cache(&(#cache))))
}
