//! Policy: the options that set one thing of the policy. They are the same for every call, so they go into the `static`.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, Result, UnOp};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::choices::Choices;
use crate::options::setting::{Kind, Share};
use crate::options::table::Args;
use crate::read::duration::{self, Time};
use crate::read::value;
use crate::tokens::expr::peel;
use crate::tokens::search::variable;

/// A setter of `Policy` and its argument.
pub(crate) struct PolicySetting {
    pub(crate) name: &'static str,
    pub(crate) value: SettingValue,
}

/// The argument of a setter.
pub(crate) enum SettingValue {
    Millis(u64),
    /// An expression that the compiler evaluates.
    Constant(Expr),
    /// A variant of an enum of larder.
    Variant {
        of: &'static str,
        variant: Ident,
    },
    Number(u32),
}

impl PolicySetting {
    /// The expression that the compiler evaluates.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        if let SettingValue::Constant(value) = &self.value { Some(value) } else { None }
    }

    /// Returns true if the setting may contradict others, which the compiler checks once all are set.
    pub(crate) fn needs_check(&self) -> bool {
        matches!(self.value, SettingValue::Millis(_) | SettingValue::Constant(_))
    }
}

/// Reads the options that the table marks with `sets`, in the order of the table.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Vec<PolicySetting> {
    let mut settings = Vec::new();
    for written in args.settings() {
        let (name, value) = (written.name, written.value);
        let value = match written.setting.kind {
            Kind::Time => time(name, value, func),
            Kind::Share(bounds) => share(name, value, bounds, func),
            Kind::Choice(choices) => variant(name, value, choices),
            Kind::Number => value::number(name, value).map(SettingValue::Number),
        };
        settings.extend(errors.take(value).map(|value| PolicySetting { name, value }));
    }
    settings
}

/// The options for which the function has to be able to run in the background.
pub(crate) fn in_background(args: &Args) -> Vec<&'static str> {
    let settings = args.settings().into_iter().filter(|written| written.setting.in_background);
    settings.map(|written| written.name).chain(args.background.span().map(|_| "background")).collect()
}

/// `local = "5s"`.
fn time(option: &str, value: &Expr, func: &Func) -> Result<SettingValue> {
    match duration::read(option, value)? {
        Time::Fixed(millis) => Ok(SettingValue::Millis(millis)),
        Time::Computed(value) => {
            constant(option, value, func, "seconds, text such as `\"1m\"` or a constant of type `Duration`")
        }
    }
}

/// `refresh_ahead = 0.8`.
fn share(option: &str, value: &Expr, bounds: Share, func: &Func) -> Result<SettingValue> {
    let Share { includes_zero, example } = bounds;
    let range = if includes_zero { "from 0 to below 1" } else { "between 0 and 1" };
    let refused = |value: &Expr| {
        Error::new_spanned(value, format!("`{option}` is a share {range}; write one such as `{example}`"))
    };
    let fits = |share: f64| share < 1.0 && (share > 0.0 || includes_zero);
    match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Float(float), .. }) => {
            let is_f64 = matches!(float.suffix(), "" | "f64");
            let share = float.base10_parse().ok().filter(|share| is_f64 && fits(*share));
            share.map(|_| SettingValue::Constant(value.clone())).ok_or_else(|| refused(value))
        }
        Expr::Lit(_) => Err(refused(value)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if matches!(peel(expr), Expr::Lit(_)) => {
            Err(refused(value))
        }
        computed => {
            let remedy = format!("a share such as `{example}` or a constant of type `f64`");
            constant(option, computed.clone(), func, &remedy)
        }
    }
}

/// `codec = msgpack`.
fn variant(option: &str, value: &Expr, choices: &Choices) -> Result<SettingValue> {
    let choice = value::choice(option, value, choices.choices)?;
    let variant = Ident::new(choice.variant, Span::mixed_site());
    Ok(SettingValue::Variant { of: choices.of, variant })
}

/// An expression that the compiler evaluates, so it cannot use arguments.
fn constant(option: &str, value: Expr, func: &Func, remedy: &str) -> Result<SettingValue> {
    let names = func.argument_names();
    match names.iter().find_map(|name| Some((name, variable(value.to_token_stream(), name)?))) {
        None => Ok(SettingValue::Constant(value)),
        Some((name, span)) => Err(Error::new(
            span,
            format!(
                "`{option}` is the same for every call and cannot use the argument `{name}`; write {remedy}"
            ),
        )),
    }
}
