//! Reach: names that a pattern binds, where only the argument itself is there: `id` of `Path(id)` is its field `0`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, Index, Member};

use crate::func::Func;

impl Func {
    /// What `name` stands for, if a pattern binds it.
    pub(crate) fn reach(&self, name: &str, span: Span) -> Option<TokenStream> {
        self.params.iter().find_map(|param| {
            let (mut bound, members) = param.bound().into_iter().find(|(bound, _)| bound.unraw() == name)?;
            if !self.whole {
                bound.set_span(bound.span().located_at(span));
                return Some(bound.into_token_stream());
            }
            let mut ident = param.ident.clone();
            ident.set_span(ident.span().located_at(span));
            let members = members.into_iter().map(|member| match member {
                Member::Unnamed(Index { index, .. }) => Member::Unnamed(Index { index, span }),
                named => named,
            });
            Some(quote_spanned!(span=> #ident #(.#members)*))
        })
    }

    /// An expression that is evaluated before patterns bind anything. What is none with other names in it stays as it is,
    /// such as a closure with a parameter of that name.
    pub(crate) fn reaching(&self, value: &Expr) -> Expr {
        if !self.whole || self.params.iter().all(|param| param.bound().is_empty()) {
            return value.clone();
        }
        syn::parse2(self.replaced(value.to_token_stream())).unwrap_or_else(|_| value.clone())
    }

    fn replaced(&self, tokens: TokenStream) -> TokenStream {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let is = |at: Option<usize>, c| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
        let tree = |(at, tree): (usize, &TokenTree)| match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self.replaced(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner).into()
            }
            TokenTree::Ident(ident) => {
                let before = |back: usize, c| is(at.checked_sub(back), c);
                let after = |forth: usize, c| is(Some(at + forth), c);
                let is_called = matches!(
                    tokens.get(at + 1),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
                );
                // A field, a part of a path, the name of a field in a struct, a macro, a lifetime, a function.
                let is_other = (before(1, '.') && !before(2, '.'))
                    || (before(1, ':') && before(2, ':'))
                    || after(1, ':')
                    || (after(1, '!') && !after(2, '='))
                    || before(1, '\'')
                    || is_called;
                let reached = || self.reach(&ident.unraw().to_string(), ident.span());
                let reached = if is_other { None } else { reached() };
                reached.unwrap_or_else(|| ident.to_token_stream())
            }
            other => other.to_token_stream(),
        };
        tokens.iter().enumerate().map(tree).collect()
    }
}
