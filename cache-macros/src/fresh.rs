//! Fresh: what is served after its expiry, what is refreshed before it, what is kept in the process. All of it is the same for
//! every call, so it goes into the policy of the `static`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::args::Args;
use crate::duration::{self, Expiry};
use crate::errors::Errors;
use crate::func::Func;
use crate::slot::Slot;
use crate::value::peel;

#[derive(Default)]
pub(crate) struct Fresh {
    /// What the policy is told, in this order.
    pub(crate) settings: Vec<Setting>,
    /// The options for which the function has to be able to run apart from its caller.
    pub(crate) background: Vec<&'static str>,
}

pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: Fixed,
}

pub(crate) enum Fixed {
    Millis(u64),
    /// Whatever the compiler can work out.
    Constant(Expr),
}

impl Setting {
    /// The expression, where the compiler has the last word.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        match &self.value {
            Fixed::Millis(_) => None,
            Fixed::Constant(value) => Some(value),
        }
    }
}

/// Reads the options. `expire` is the life in milliseconds, where it is written as a number.
pub(crate) fn read(args: &Args, func: &Func, expire: Option<u64>, errors: &mut Errors) -> Fresh {
    let mut settings = Vec::new();
    for (name, slot) in times(args) {
        let value = slot.get().and_then(|value| errors.note(time(name, value, func)));
        settings.extend(value.map(|value| Setting { name, value }));
    }
    for (name, slot) in [("refresh_ahead", &args.refresh_ahead), ("jitter", &args.jitter)] {
        let value = slot.get().and_then(|value| errors.note(share(name, value, func)));
        settings.extend(value.map(|value| Setting { name, value }));
    }
    together(args, &settings, expire, errors);
    Fresh { settings, background: background(args) }
}

fn times(args: &Args) -> [(&'static str, &Slot<Expr>); 5] {
    [
        ("stale_while_revalidate", &args.stale_while_revalidate),
        ("soft_timeout", &args.soft_timeout),
        ("stale_if_error", &args.stale_if_error),
        ("stale_retry", &args.stale_retry),
        ("local", &args.local),
    ]
}

fn background(args: &Args) -> Vec<&'static str> {
    let options = [
        ("stale_while_revalidate", args.stale_while_revalidate.span()),
        ("soft_timeout", args.soft_timeout.span()),
        ("refresh_ahead", args.refresh_ahead.span()),
        ("background", args.background.span()),
    ];
    options.into_iter().filter_map(|(name, span)| span.map(|_| name)).collect()
}

/// What the options have to do with each other. A policy may bring the other half, and is checked by the compiler.
fn together(args: &Args, settings: &[Setting], expire: Option<u64>, errors: &mut Errors) {
    let is_written = |slot: &Slot<Expr>| slot.span().is_some();
    let is_stale = is_written(&args.stale_while_revalidate) || is_written(&args.stale_if_error);
    let is_refreshed = is_stale || is_written(&args.refresh_ahead);
    let local = settings.iter().find_map(|setting| match setting {
        Setting { name: "local", value: Fixed::Millis(millis) } => Some(*millis),
        _ => None,
    });
    if let (Some(value), Some(local), Some(expire)) = (args.local.get(), local, expire)
        && local > expire
    {
        let message = "`local` is longer than `expire`, and a local copy lives no longer than its entry; write a shorter time";
        errors.push(Error::new_spanned(value, message));
    }
    if is_written(&args.policy) {
        return;
    }
    if let (Some(span), false) = (args.soft_timeout.span(), is_stale) {
        errors.at(
            span,
            "`soft_timeout` needs a stale value to fall back on; write `stale_while_revalidate = ..` or `stale_if_error = ..` beside it",
        );
    }
    if let (Some(span), false) = (args.stale_retry.span(), is_refreshed) {
        errors.at(
            span,
            "`stale_retry` needs something to serve until then; write `stale_if_error = ..` or `stale_while_revalidate = ..` beside it",
        );
    }
    if let (Some(span), ["background"]) = (args.background.span(), background(args).as_slice()) {
        errors.at(
            span,
            "`background` goes with a `policy` that refreshes; write `policy = ..` beside it or an option such as `stale_while_revalidate = \"1m\"` in its place",
        );
    }
}

fn time(option: &'static str, value: &Expr, func: &Func) -> syn::Result<Fixed> {
    match duration::read(option, value)? {
        Expiry::Fixed(millis) => Ok(Fixed::Millis(millis)),
        Expiry::Computed(value) => {
            constant(option, value, func, "seconds, text such as `\"1m\"` or a constant of type `Duration`")
        }
    }
}

/// `refresh_ahead = 0.8`.
fn share(option: &'static str, value: &Expr, func: &Func) -> syn::Result<Fixed> {
    let (bounds, example) = match option {
        "jitter" => ("from 0 to below 1", "0.1"),
        _ => ("between 0 and 1", "0.8"),
    };
    let refused = |value: &Expr| {
        Error::new_spanned(value, format!("`{option}` is a share {bounds}; write one such as `{example}`"))
    };
    let fits = |share: f64| share < 1.0 && (share > 0.0 || option == "jitter");
    match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Float(float), .. }) => {
            let plain = matches!(float.suffix(), "" | "f64");
            let share = float.base10_parse().ok().filter(|share| plain && fits(*share));
            share.map(|_| Fixed::Constant(value.clone())).ok_or_else(|| refused(value))
        }
        Expr::Lit(_) => Err(refused(value)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if matches!(peel(expr), Expr::Lit(_)) => {
            Err(refused(value))
        }
        computed => constant(
            option,
            computed.clone(),
            func,
            &format!("a share such as `{example}` or a constant of type `f64`"),
        ),
    }
}

/// An expression that the compiler is to work out, so arguments are out of its reach.
fn constant(option: &'static str, value: Expr, func: &Func, remedy: &str) -> syn::Result<Fixed> {
    let names = func.argument_names();
    match names.iter().find_map(|name| Some((name, variable(value.to_token_stream(), name)?))) {
        None => Ok(Fixed::Constant(value)),
        Some((name, span)) => Err(Error::new(
            span,
            format!(
                "`{option}` is the same for every call and cannot use the argument `{name}`; write {remedy}"
            ),
        )),
    }
}

/// Where `name` stands alone: not as a field, a method or a part of a path.
pub(crate) fn variable(tokens: TokenStream, name: &str) -> Option<Span> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let joins = |tree: Option<&TokenTree>, marks: &[char]| matches!(tree, Some(TokenTree::Punct(punct)) if marks.contains(&punct.as_char()));
    let is_named = |ident: &Ident| *ident == name || ident.to_string().strip_prefix("r#") == Some(name);
    trees.iter().enumerate().find_map(|(index, tree)| match tree {
        TokenTree::Group(group) => variable(group.stream(), name),
        TokenTree::Ident(ident) if is_named(ident) => {
            let before = index.checked_sub(1).and_then(|index| trees.get(index));
            let alone = !joins(before, &['.', ':']) && !joins(trees.get(index + 1), &[':']);
            alone.then(|| ident.span())
        }
        _ => None,
    })
}
