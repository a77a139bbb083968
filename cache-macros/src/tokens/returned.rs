//! Returned: the string literals that an expression gives as they are, alone or in a list.

use syn::punctuated::Punctuated;
use syn::{Block, Expr, LitStr, Macro, Stmt, Token};

use crate::tokens::expr::{peel, text};

/// The methods that leave the texts of their receiver and of their argument as they are.
const PLAIN_METHODS: &[&str] = &["chain", "into", "into_iter", "iter", "to_owned", "to_string", "to_vec"];

/// The functions that leave the text of their argument as it is.
const PLAIN_FUNCTIONS: &[&str] = &["Borrowed", "Some", "from", "from_iter", "once"];

/// The literals in the value of an expression. What another function or macro makes of a literal is not known and not looked at.
pub(crate) fn literals(value: &Expr) -> Vec<LitStr> {
    let value = peel(value);
    if let Some(literal) = text(value) {
        return vec![literal.clone()];
    }
    let all = |values: &mut dyn Iterator<Item = &Expr>| values.flat_map(literals).collect();
    match value {
        Expr::Array(list) => all(&mut list.elems.iter()),
        Expr::Tuple(list) => all(&mut list.elems.iter()),
        Expr::Repeat(list) => literals(&list.expr),
        Expr::Macro(list) if list.mac.path.is_ident("vec") => all(&mut items(&list.mac).iter()),
        Expr::Paren(value) => literals(&value.expr),
        Expr::Reference(value) => literals(&value.expr),
        Expr::Cast(value) => literals(&value.expr),
        Expr::Block(block) => of_block(&block.block),
        Expr::Unsafe(block) => of_block(&block.block),
        Expr::Return(value) => all(&mut value.expr.iter().map(AsRef::as_ref)),
        Expr::If(choice) => {
            let (then, other) = (of_block(&choice.then_branch), choice.else_branch.iter());
            then.into_iter().chain(other.flat_map(|(_, other)| literals(other))).collect()
        }
        Expr::Match(choice) => all(&mut choice.arms.iter().map(|arm| arm.body.as_ref())),
        Expr::MethodCall(call) if PLAIN_METHODS.iter().any(|method| call.method == method) => {
            all(&mut std::iter::once(call.receiver.as_ref()).chain(&call.args))
        }
        Expr::Call(call) if is_plain_function(&call.func) => all(&mut call.args.iter()),
        _ => Vec::new(),
    }
}

/// The arguments of the calls in the value of an expression, where they are literals.
pub(crate) fn arguments(value: &Expr) -> Vec<LitStr> {
    match peel(value) {
        Expr::Call(call) if !is_plain_function(&call.func) => call.args.iter().flat_map(literals).collect(),
        Expr::Call(call) => call.args.iter().flat_map(arguments).collect(),
        Expr::MethodCall(call) => call.args.iter().flat_map(literals).collect(),
        Expr::Array(list) => list.elems.iter().flat_map(arguments).collect(),
        Expr::Macro(list) if list.mac.path.is_ident("vec") => {
            items(&list.mac).iter().flat_map(arguments).collect()
        }
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(value, None)) => arguments(value),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The literals of a block: of its value, and of what it returns early.
fn of_block(block: &Block) -> Vec<LitStr> {
    let mut found = Vec::new();
    for statement in &block.stmts {
        match statement {
            Stmt::Expr(value, None) => found.extend(literals(value)),
            Stmt::Expr(value @ (Expr::Return(_) | Expr::If(_) | Expr::Match(_)), Some(_)) => {
                found.extend(literals(value));
            }
            Stmt::Macro(list) if list.semi_token.is_none() && list.mac.path.is_ident("vec") => {
                found.extend(items(&list.mac).iter().flat_map(literals));
            }
            _ => {}
        }
    }
    found
}

/// The items of `vec![..]`.
fn items(list: &Macro) -> Vec<Expr> {
    let parsed = list.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
    parsed.map_or_else(|_| Vec::new(), |items| items.into_iter().collect())
}

fn is_plain_function(function: &Expr) -> bool {
    let Expr::Path(path) = peel(function) else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| PLAIN_FUNCTIONS.iter().any(|name| last.ident == name))
}

#[cfg(test)]
mod tests {
    use syn::{Expr, LitStr};

    use super::{arguments, literals};

    fn found(find: fn(&Expr) -> Vec<LitStr>, value: &str) -> String {
        let value: Expr = syn::parse_str(value).expect("an expression");
        find(&value).iter().map(LitStr::value).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn literals_of_the_value_are_found() {
        for (value, expected) in [
            (r#"["a", "b"]"#, "a b"),
            (r#"vec!["a".to_owned(), String::from("b")]"#, "a b"),
            (r#"{ log(); vec!["a"] }"#, "a"),
            (r#"&["a"; 2]"#, "a"),
            (r#"if u.is_old { ["a"] } else { ("b", 1) }"#, "a b"),
            (
                r#"match u.kind { Kind::A => Some("a"), Kind::B => return ["b"].into_iter().chain(["c"]) }"#,
                "a b c",
            ),
            (r#"{ if u.is_old { return ["a"]; } std::iter::once("b") }"#, "a b"),
        ] {
            assert_eq!(found(literals, value), expected, "{value}");
        }
    }

    #[test]
    fn what_others_make_of_a_literal_is_not_looked_at() {
        for value in [
            r#"[format!("a{b}")]"#,
            r#"["{id}".replace("{id}", &u.id)]"#,
            r#"[named("{id}", u.id)]"#,
            r#"{ let pattern = "{id}"; [pattern.replace("{id}", &u.id)] }"#,
            r#"if u.name == "{id}" { tags() } else { none() }"#,
        ] {
            assert_eq!(found(literals, value), "", "{value}");
        }
    }

    #[test]
    fn literals_among_the_arguments_of_the_calls_are_found() {
        for (value, expected) in [
            (r#"user_entry("a", 1)"#, "a"),
            (r#"{ log("x"); [Self::user_entry("a"), page_entry("b".to_owned())] }"#, "a b"),
            (r#"Some(self.user_entry("a"))"#, "a"),
            (r#"user_entry(format!("{x}"))"#, ""),
        ] {
            assert_eq!(found(arguments, value), expected, "{value}");
        }
    }
}
