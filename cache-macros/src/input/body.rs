//! Body: the tokens of a function's body, for a closure. Nothing is parsed: tokens that need no change stay as they are.

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

/// The name of `self` in a closure, where `self` is not allowed.
pub(crate) const SELF_NAME: &str = "__cache_self";

/// The same tokens with [`SELF_NAME`] for every `self` that is the receiver of this function.
pub(crate) fn with_self_renamed(tokens: TokenStream) -> TokenStream {
    each(tokens, &mut |trees, index| match &trees[index] {
        TokenTree::Ident(ident) if ident == "self" && !is_path(&trees[index + 1..]) => {
            // The span of `self`, so that `macro_rules!` sees both alike.
            TokenTree::Ident(Ident::new(SELF_NAME, ident.span()))
        }
        tree => tree.clone(),
    })
}

/// The same tokens with `'_` for every lifetime but `'static`.
pub(crate) fn without_lifetimes(tokens: TokenStream) -> TokenStream {
    each(tokens, &mut |trees, index| match &trees[index] {
        TokenTree::Ident(ident) if index > 0 && is_quote(&trees[index - 1]) && ident != "static" => {
            TokenTree::Ident(Ident::new("_", ident.span()))
        }
        tree => tree.clone(),
    })
}

/// Mistakes that only a closure makes of the body: names of the function's own lifetimes, and `{self}` in the text of a macro.
pub(crate) fn not_in_closure(tokens: TokenStream, lifetimes: &[String]) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    each(tokens, &mut |trees, index| {
        let tree = &trees[index];
        let before = index.checked_sub(1).map(|index| &trees[index]);
        match tree {
            TokenTree::Ident(ident)
                if before.is_some_and(is_quote)
                    && lifetimes.iter().any(|lifetime| ident == lifetime)
                    && !is_label(trees, index) =>
            {
                let message = format!(
                    "a background refresh has no `'{ident}`, because the call is over when it runs; remove the lifetime here"
                );
                found.push((ident.span(), message));
            }
            TokenTree::Group(group) if before.is_some_and(|before| is_punct(before, '!')) => {
                let message = "`{self}` does not work in a background refresh; write `{}` and pass `self` after the text";
                let texts = group.stream().into_iter().filter(is_text_of_self);
                found.extend(texts.map(|text| (text.span(), message.to_owned())));
            }
            _ => {}
        }
        tree.clone()
    });
    found
}

/// Maps every token of this function, at any depth.
fn each(tokens: TokenStream, map: &mut impl FnMut(&[TokenTree], usize) -> TokenTree) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::with_capacity(trees.len());
    let mut index = 0;
    while index < trees.len() {
        let foreign = foreign(&trees[index..]);
        if foreign > 0 {
            out.extend_from_slice(&trees[index..index + foreign]);
            index += foreign;
            continue;
        }
        out.push(match map(&trees, index) {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), each(group.stream(), map));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            tree => tree,
        });
        index += 1;
    }
    out.into_iter().collect()
}

/// The number of leading tokens whose `self` is another one: items, imports, attributes.
fn foreign(trees: &[TokenTree]) -> usize {
    let is_ident = |index: usize| matches!(trees.get(index), Some(TokenTree::Ident(_)));
    let is_group = |index: usize, wanted: Delimiter| matches!(trees.get(index), Some(TokenTree::Group(group)) if group.delimiter() == wanted);
    match &trees[0] {
        TokenTree::Ident(word) => match word.to_string().as_str() {
            "fn" | "trait" if is_ident(1) => item(trees),
            "impl" => item(trees),
            "use" => trees.iter().position(|tree| is_punct(tree, ';')).map_or(trees.len(), |end| end + 1),
            "pub" if is_group(1, Delimiter::Parenthesis) => 2,
            _ => 0,
        },
        punct if is_punct(punct, '#') && is_group(1, Delimiter::Bracket) => 2,
        _ => 0,
    }
}

/// The length of an item, which ends at its braces; braces of a constant between `<` and `>` do not count.
fn item(trees: &[TokenTree]) -> usize {
    let (mut depth, mut arrow) = (0_i32, false);
    for (index, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && depth <= 0 => {
                return index + 1;
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => return index + 1,
                '<' => depth += 1,
                '>' if !arrow => depth -= 1,
                _ => {}
            },
            _ => {}
        }
        arrow = matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '-' && punct.spacing() == Spacing::Joint);
    }
    trees.len()
}

/// Returns true if `::` follows, so that `self` is a module.
fn is_path(rest: &[TokenTree]) -> bool {
    matches!(rest, [first, second, ..] if is_punct(first, ':') && is_punct(second, ':'))
}

/// Returns true for `'name:` before a loop, `break 'name` and `continue 'name`.
fn is_label(trees: &[TokenTree], index: usize) -> bool {
    let jump = index.checked_sub(2).and_then(|index| match &trees[index] {
        TokenTree::Ident(word) => Some(*word == "break" || *word == "continue"),
        _ => None,
    });
    jump == Some(true) || trees.get(index + 1).is_some_and(|next| is_punct(next, ':'))
}

fn is_text_of_self(tree: &TokenTree) -> bool {
    let TokenTree::Literal(literal) = tree else { return false };
    let text = literal.to_string().replace("{{", "");
    text.contains("{self}") || text.contains("{self:")
}

fn is_quote(tree: &TokenTree) -> bool {
    is_punct(tree, '\'')
}

fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c)
}
