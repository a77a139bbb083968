//! Fresh: what is served after its expiry, what is refreshed before it, what is kept in the process. All of it is the same for
//! every call, so it goes into the policy of the `static`.

use quote::ToTokens;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::errors::Errors;
use crate::expr::peel;
use crate::input::func::Func;
use crate::options::args::Args;
use crate::options::slot::Slot;
use crate::read::duration::{self, Expiry};
use crate::search::variable;

#[derive(Default)]
pub(crate) struct Staleness {
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
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Staleness {
    let mut settings = Vec::new();
    for (name, slot) in times(args) {
        let value = slot.get().and_then(|value| errors.take(time(name, value, func)));
        settings.extend(value.map(|value| Setting { name, value }));
    }
    for (name, slot) in [("refresh_ahead", &args.refresh_ahead), ("jitter", &args.jitter)] {
        let value = slot.get().and_then(|value| errors.take(share(name, value, func)));
        settings.extend(value.map(|value| Setting { name, value }));
    }
    Staleness { settings, background: background(args) }
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

pub(crate) fn background(args: &Args) -> Vec<&'static str> {
    let options = [
        ("stale_while_revalidate", args.stale_while_revalidate.span()),
        ("soft_timeout", args.soft_timeout.span()),
        ("refresh_ahead", args.refresh_ahead.span()),
        ("background", args.background.span()),
    ];
    options.into_iter().filter_map(|(name, span)| span.map(|_| name)).collect()
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
