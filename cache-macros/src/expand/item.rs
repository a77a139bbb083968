//! Item: the function with its new body, and the entry function beside it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::expand::body::body_span;
use crate::expand::{call, call_site, entry, response, run};
use crate::input::output::FnKind;
use crate::input::param::without_mut;
use crate::model::{Action, Model};
use crate::tokens::spans::braced;

/// Expands an attribute.
pub(crate) fn item(model: &Model) -> TokenStream {
    let func = &model.func;
    let (attrs, vis, mut sig) = (&func.attrs, &func.vis, func.signature());
    if let Action::Cache { background: Some(_), .. } = &model.action {
        // The closure that the body becomes declares the `mut`.
        sig.inputs.iter_mut().for_each(without_mut);
    }
    let mut lints = TokenStream::new();
    if let Some(options) = &model.response {
        response::signature(model, options, &mut sig);
        // One argument is larder's. The user's attributes follow, so that they can set the lint again.
        if model.is_cache() {
            lints = quote_spanned!(Span::mixed_site()=> #[allow(clippy::too_many_arguments)]);
        }
    }
    let call_site = call_site::item(model);
    let statements = statements(model);
    let beside = match &model.action {
        Action::Cache { entry: Some(entry), key, .. } => entry::function(model, entry, key),
        _ => TokenStream::new(),
    };
    let inner = &func.inner;
    let body = braced(body_span(model), quote!(#(#inner)* #call_site #statements));
    quote!(#lints #(#attrs)* #vis #sig #body #beside)
}

/// The statements that replace the body.
fn statements(model: &Model) -> TokenStream {
    let call = call::statement(model);
    if let Some(options) = &model.response {
        let run = response::run(model, options);
        return quote!(#call #run);
    }
    let (probes, run) = (run::probes(model), run::run(model));
    match model.func.output.kind {
        FnKind::Async | FnKind::Sync => quote!(#probes #call #run),
        // Inside the box, so that everything is read at the first poll, as in an `async fn`.
        FnKind::BoxedFuture => {
            quote_spanned!(Span::mixed_site()=> ::std::boxed::Box::pin(async move { #probes #call #run }))
        }
    }
}
