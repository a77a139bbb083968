//! Item: the function with its new body, and the functions beside it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::expand::body::body_span;
use crate::expand::many::ManyParts;
use crate::expand::{above, call, call_site, entry, many, response, run};
use crate::input::func::Func;
use crate::input::output::FnKind;
use crate::input::param::without_mut;
use crate::model::{Action, Model};
use crate::tokens::spans::braced;
use crate::verb::Verb;

/// Expands an attribute, whose tokens are `verb(args)` above `item`.
pub(crate) fn item(model: &Model, verb: Verb, args: &TokenStream, item: TokenStream) -> TokenStream {
    above::item(model, verb, args, item).unwrap_or_else(|| function(model))
}

/// The function with its new body, and the functions beside it.
fn function(model: &Model) -> TokenStream {
    let func = &model.func;
    let (attrs, vis, mut sig) = (&func.attrs, &func.vis, func.signature());
    if let Action::Cache { background: Some(_), .. } | Action::Many { background: Some(_), .. } =
        &model.action
    {
        // The closure that the body becomes declares the `mut`.
        sig.inputs.iter_mut().for_each(without_mut);
    }
    let request = model.response.as_ref().map(|options| response::signature(model, options, &mut sig));
    let call_site = call_site::item(model);
    let statements = statements(model);
    let entry = match &model.action {
        Action::Cache { entry: Some(entry), key, .. } => Some(entry::function(model, entry, key)),
        _ => None,
    };
    let uncached = uncached(model);
    let inner = &func.inner;
    let body = braced(body_span(model), quote!(#(#inner)* #call_site #request #statements));
    quote!(#(#attrs)* #vis #sig #body #entry #uncached)
}

/// The handler as it was written, under the name of `uncached = ..`.
fn uncached(model: &Model) -> Option<TokenStream> {
    let Func { attrs, vis, sig, inner, .. } = &model.func;
    let mut sig = sig.clone();
    sig.ident = model.response.as_ref()?.uncached.clone()?;
    let content = model.body.stream();
    let body = braced(body_span(model), quote!(#(#inner)* #content));
    Some(quote!(#(#attrs)* #vis #sig #body))
}

/// The statements that replace the body.
fn statements(model: &Model) -> TokenStream {
    if let Action::Many { ids, entries, when, copies, runtime_options, background } = &model.action {
        let (when, background) = (when.as_ref(), background.as_ref());
        let parts = ManyParts { ids, entries, when, copies: *copies, runtime_options, background };
        return in_box(model, many::statements(model, &parts));
    }
    let call = call::statement(model);
    if let Some(options) = &model.response {
        let run = response::run(model, options);
        return quote!(#call #run);
    }
    let (probes, run) = (run::probes(model), run::run(model));
    in_box(model, quote!(#probes #call #run))
}

/// The statements, in a box where the function returns a boxed future: then everything is read at the first poll, as in an
/// `async fn`.
fn in_box(model: &Model, statements: TokenStream) -> TokenStream {
    match model.func.output.kind {
        FnKind::Async | FnKind::Sync => statements,
        FnKind::BoxedFuture => {
            quote_spanned!(Span::mixed_site()=> ::std::boxed::Box::pin(async move { #statements }))
        }
    }
}
