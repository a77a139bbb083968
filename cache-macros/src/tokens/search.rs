//! Search: occurrences of names in tokens that nobody parses.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Returns true if `name` occurs anywhere, also as `{name..` in the text of a `format!`.
pub(crate) fn mentions(tokens: &impl ToTokens, name: &str) -> bool {
    any(tokens.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(ident) => is_named(ident, name),
        TokenTree::Literal(literal) => literal.to_string().contains(&format!("{{{name}")),
        _ => false,
    })
}

/// Returns true if `name` occurs as a variable, also as `{name}`, `{name.field}` or `{name:..` in a text.
pub(crate) fn names(tokens: &impl ToTokens, name: &str) -> bool {
    let in_text = |text: &str| {
        text.split('{').skip(1).any(|rest| {
            let rest = rest.strip_prefix("r#").unwrap_or(rest);
            rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':', '.']))
        })
    };
    let tokens = tokens.to_token_stream();
    variable(tokens.clone(), name).is_some()
        || any(
            tokens,
            &mut |tree, _| matches!(tree, TokenTree::Literal(literal) if in_text(&literal.to_string())),
        )
}

/// The span of `name` where it stands alone: not as a field, a method or a part of a path.
pub(crate) fn variable(tokens: TokenStream, name: &str) -> Option<Span> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is_one_of = |tree: Option<&TokenTree>, chars: &[char]| matches!(tree, Some(TokenTree::Punct(punct)) if chars.contains(&punct.as_char()));
    trees.iter().enumerate().find_map(|(index, tree)| match tree {
        TokenTree::Group(group) => variable(group.stream(), name),
        TokenTree::Ident(ident) if is_named(ident, name) => {
            let before = index.checked_sub(1).and_then(|index| trees.get(index));
            let alone = !is_one_of(before, &['.', ':']) && !is_one_of(trees.get(index + 1), &[':']);
            alone.then(|| ident.span())
        }
        _ => None,
    })
}

/// Returns true if `test` holds for a token and the one after it, at any depth.
pub(crate) fn any(
    tokens: TokenStream,
    test: &mut impl FnMut(&TokenTree, Option<&TokenTree>) -> bool,
) -> bool {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if test(&tree, trees.peek()) {
            return true;
        }
        if let TokenTree::Group(group) = tree
            && any(group.stream(), test)
        {
            return true;
        }
    }
    false
}

fn is_named(ident: &Ident, name: &str) -> bool {
    ident == name || ident.to_string().strip_prefix("r#") == Some(name)
}
