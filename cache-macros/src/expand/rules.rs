//! Rules: what the value itself decides, `unless`, `expire_with` and `tags_with`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

use crate::expand::late::{self, Names};
use crate::model::Model;
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::spans::mixed_at;

/// The statements that make `__cache_rules`: one for each closure, so that a wrong closure is reported at its own. `result` is the
/// type of which `__cache_shape` is the shape.
pub(crate) fn statements(model: &Model, options: &RuntimeOptions, result: &impl ToTokens) -> TokenStream {
    let k = &model.krate;
    let unless = match &options.unless {
        Some(unless) => {
            let k = model.krate_at(unless.span());
            quote_spanned!(mixed_at(unless.span())=> #k::__private::unless::<#result, _, _>(&__cache_shape, #unless))
        }
        None => quote_spanned!(Span::mixed_site()=> #k::__private::NoUnless),
    };
    let expire_with = match &options.expire_with {
        Some(expire) => {
            let k = model.krate_at(expire.span());
            quote_spanned!(mixed_at(expire.span())=> #k::__private::expire_with::<#result, _, _, _>(&__cache_shape, #expire))
        }
        None => quote_spanned!(Span::mixed_site()=> #k::__private::NoExpireWith),
    };
    let tagged = options.tags_with.as_ref().map(|_| {
        let tags = late::named(model, Names::Tags, options.tags_with.as_ref(), result);
        quote_spanned!(Span::mixed_site()=>
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let __cache_tags_with = #tags;
            let __cache_rules = #k::__private::TaggedRules::new(__cache_rules, __cache_tags_with);
        )
    });
    // Located as the call that takes the rules, so that the compiler reports a wrong closure there once and not twice.
    let place = result.span();
    let located = model.krate_at(place);
    let rules =
        quote_spanned!(mixed_at(place)=> #located::__private::Rules::new(__cache_unless, __cache_expire));
    quote_spanned!(Span::mixed_site()=>
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_unless = #unless;
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_expire = #expire_with;
        let __cache_rules = #rules;
        #tagged
    )
}
