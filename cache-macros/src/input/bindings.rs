//! Bindings: names that a pattern binds, in code that runs before the pattern does: `id` of `Path(id)` is the argument's field `0`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, Index, Member};

use crate::input::func::Func;
use crate::input::pattern::Binding;

impl Func {
    /// The tokens that `name` stands for, if a pattern binds it.
    pub(crate) fn binding(&self, name: &str, span: Span) -> Option<TokenStream> {
        self.params.iter().find_map(|param| {
            let Binding { name: mut bound, fields } =
                param.bindings().into_iter().find(|binding| binding.name.unraw() == name)?;
            if !self.binds_in_body {
                bound.set_span(bound.span().located_at(span));
                return Some(bound.into_token_stream());
            }
            let mut ident = param.ident.clone();
            ident.set_span(ident.span().located_at(span));
            let fields = fields.into_iter().map(|field| match field {
                Member::Unnamed(Index { index, .. }) => Member::Unnamed(Index { index, span }),
                named => named,
            });
            Some(quote_spanned!(span=> #ident #(.#fields)*))
        })
    }

    /// `value`, an expression of the attribute, with fields of arguments in place of bindings. An expression that does not parse with
    /// the fields stays as it is, such as a closure with a parameter of the same name.
    pub(crate) fn with_bindings(&self, value: &Expr) -> Expr {
        if !self.binds_in_body || self.params.iter().all(|param| param.bindings().is_empty()) {
            return value.clone();
        }
        syn::parse2(self.replace_bindings(value.to_token_stream())).unwrap_or_else(|_| value.clone())
    }

    fn replace_bindings(&self, tokens: TokenStream) -> TokenStream {
        let trees: Vec<_> = tokens.into_iter().collect();
        let replaced = |(index, tree): (usize, &TokenTree)| match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self.replace_bindings(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner).into()
            }
            TokenTree::Ident(ident) if is_variable(&trees, index) => self
                .binding(&ident.unraw().to_string(), ident.span())
                .unwrap_or_else(|| ident.to_token_stream()),
            other => other.to_token_stream(),
        };
        trees.iter().enumerate().map(replaced).collect()
    }
}

/// Returns false if the identifier at `index` is a field, a part of a path, the name of a field in a struct, a macro, a lifetime or a
/// function that is called.
fn is_variable(trees: &[TokenTree], index: usize) -> bool {
    let is = |at: Option<usize>, c| matches!(at.and_then(|at| trees.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    let before = |back: usize, c| is(index.checked_sub(back), c);
    let after = |ahead: usize, c| is(Some(index + ahead), c);
    let is_called = matches!(
        trees.get(index + 1),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
    );
    let is_other = (before(1, '.') && !before(2, '.'))
        || (before(1, ':') && before(2, ':'))
        || after(1, ':')
        || (after(1, '!') && !after(2, '='))
        || before(1, '\'')
        || is_called;
    !is_other
}
