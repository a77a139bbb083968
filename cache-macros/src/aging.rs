//! Aging: the options about values that are past their expiry, or near it, and about copies in the process.

use proc_macro2::Span;
use syn::{Error, Expr, ExprLit, Lit, Result};

use crate::args::Args;
use crate::duration::{self, Expiry};
use crate::errors::Errors;
use crate::slot::Slot;
use crate::value::peel;

/// What the options say; each is a setter of `Policy` by the same name.
#[derive(Default)]
pub(crate) struct Aging {
    pub(crate) times: Vec<(&'static str, Time)>,
    pub(crate) shares: Vec<(&'static str, f64)>,
    /// Whether the function has to be able to run apart from its caller.
    pub(crate) apart: bool,
}

/// A time that goes into a `static`.
pub(crate) enum Time {
    Millis(u64),
    Constant(Expr),
}

/// Reads all of them, and holds them against one another. `expire` is the expiry in milliseconds, where it is known.
pub(crate) fn read(args: &Args, expire: Option<u64>, errors: &mut Errors) -> Aging {
    let mut aging = Aging::default();
    let times: [(&'static str, &Slot<Expr>); 5] = [
        ("stale_while_revalidate", &args.stale_while_revalidate),
        ("soft_timeout", &args.soft_timeout),
        ("stale_if_error", &args.stale_if_error),
        ("stale_retry", &args.stale_retry),
        ("local", &args.local),
    ];
    for (option, slot) in times {
        if let Some(time) = slot.get().and_then(|value| errors.note(time(option, value))) {
            aging.times.push((option, time));
        }
    }
    for (option, slot) in [("refresh_ahead", &args.refresh_ahead), ("jitter", &args.jitter)] {
        if let Some(share) = slot.get().and_then(|value| errors.note(share(option, value))) {
            aging.shares.push((option, share));
        }
    }
    aging.apart = [&args.stale_while_revalidate, &args.soft_timeout, &args.refresh_ahead]
        .iter()
        .any(|slot| slot.span().is_some())
        || args.background.span().is_some();
    contradictions(args, expire, &aging, errors);
    aging
}

fn contradictions(args: &Args, expire: Option<u64>, aging: &Aging, errors: &mut Errors) {
    // A policy may hold what an option needs; then the compiler asks it.
    let alone = args.policy.get().is_none();
    let has = |slot: &Slot<Expr>| slot.span().is_some();
    let keeps_old = has(&args.stale_while_revalidate) || has(&args.stale_if_error);
    let lone = |slot: &Slot<Expr>| slot.span().filter(|_| alone && !keeps_old);
    if let Some(span) = lone(&args.soft_timeout) {
        errors.at(
            span,
            "`soft_timeout` says how long to wait while there is an old value, and none is kept; \
             write `stale_while_revalidate = \"1m\"` or `stale_if_error = \"1h\"` as well",
        );
    }
    if let Some(span) = lone(&args.stale_retry).filter(|_| !has(&args.refresh_ahead)) {
        errors.at(
            span,
            "`stale_retry` is the pause after a refresh that failed, and nothing is refreshed; \
             write `stale_if_error = \"1h\"` as well, or remove it",
        );
    }
    if let Some(span) = args.background.span().filter(|_| alone && !has(&args.refresh_ahead) && !keeps_old) {
        errors.at(
            span,
            "`background` goes with a `policy` that refreshes in the background; \
             remove it, or write `stale_while_revalidate = \"1m\"`",
        );
    }
    let local = aging.times.iter().find(|(option, _)| *option == "local").map(|(_, time)| time);
    if let (Some(Time::Millis(local)), Some(expire), Some(value)) = (local, expire, args.local.get())
        && *local > expire
    {
        errors.push(Error::new_spanned(
            value,
            "`local` is longer than `expire`, so it limits nothing; write a shorter time",
        ));
    }
}

fn time(option: &str, value: &Expr) -> Result<Time> {
    Ok(match duration::read(option, value)? {
        Expiry::Fixed(millis) => Time::Millis(millis),
        Expiry::Computed(value) => Time::Constant(value),
    })
}

/// A part of a whole, as in `0.1`.
fn share(option: &str, value: &Expr) -> Result<f64> {
    let number = match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Float(float), .. }) => float.base10_parse::<f64>().ok(),
        _ => None,
    };
    let (least, example) = if option == "jitter" { (0.0, "0.1") } else { (f64::MIN_POSITIVE, "0.8") };
    number.filter(|share| (least..1.0).contains(share)).ok_or_else(|| {
        Error::new_spanned(
            value,
            format!("`{option}` is a share between 0 and 1; write one such as `{option} = {example}`"),
        )
    })
}

impl Aging {
    /// Where a policy that refreshes in the background needs a word that it does.
    pub(crate) fn is_unaware(&self, policy: Option<&Expr>) -> Option<Span> {
        policy.filter(|_| !self.apart).map(syn::spanned::Spanned::span)
    }
}
