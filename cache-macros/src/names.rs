//! Names: what a pattern binds, as options see it. Patterns are taken apart in the body, and options are read before it runs, so
//! `id` of `Path(id): Path<u64>` is the field of an argument there.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Expr, Index, Member};

use crate::args::Args;
use crate::func::Func;
use crate::param::Param;

/// Writes the options of `args` that are expressions as they are to be read before the body.
pub(crate) fn outside(args: &mut Args, func: &Func) {
    if !func.whole {
        return;
    }
    let options = [&mut args.when, &mut args.cache, &mut args.expire, &mut args.none_expire, &mut args.key];
    for value in options.into_iter().filter_map(|slot| slot.get_mut()) {
        let tokens = replaced(value.to_token_stream(), func);
        // It was an expression before, and a field is one wherever a name is.
        if let Ok(seen) = syn::parse2::<Expr>(tokens) {
            *value = seen;
        }
    }
}

/// What `name` is outside of the body, if `param` binds it.
pub(crate) fn field(param: &Param, name: &str, span: Span) -> Option<TokenStream> {
    let (_, members) = param.bound().into_iter().find(|(bound, _)| bound.unraw() == name)?;
    let mut ident = param.ident.clone();
    ident.set_span(ident.span().located_at(span));
    let members = members.into_iter().map(|member| match member {
        Member::Unnamed(Index { index, .. }) => Member::Unnamed(Index { index, span }),
        named => named,
    });
    Some(quote!(#ident #(.#members)*))
}

fn replaced(tokens: TokenStream, func: &Func) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |tree: Option<&TokenTree>, marks: &str| matches!(tree, Some(TokenTree::Punct(punct)) if marks.contains(punct.as_char()));
    let seen = |(at, tree): (usize, &TokenTree)| match tree {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), replaced(group.stream(), func));
            inner.set_span(group.span());
            inner.into_token_stream()
        }
        TokenTree::Ident(ident) => {
            let before = at.checked_sub(1).and_then(|at| trees.get(at));
            // A field, a method, a part of a path, the parameter of a closure: another name that is spelt alike.
            let is_range = is(before, ".") && is(at.checked_sub(2).and_then(|at| trees.get(at)), ".");
            let is_other = (is(before, ".:|") && !is_range) || is(trees.get(at + 1), ":");
            let place = if is_other { None } else { place(ident, func) };
            place.unwrap_or_else(|| ident.to_token_stream())
        }
        other => other.to_token_stream(),
    };
    trees.iter().enumerate().map(seen).collect()
}

fn place(ident: &Ident, func: &Func) -> Option<TokenStream> {
    let name = ident.unraw().to_string();
    func.params.iter().find_map(|param| field(param, &name, ident.span()))
}
