//! Setting: an option that sets one thing of the policy, by the setter of `Policy` with the option's name.

use proc_macro2::Span;
use syn::Expr;

use crate::options::choices::Choices;
use crate::options::slot::Slot;

/// A setting as the table declares it.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) kind: Kind,
    /// The option refreshes values in the background, where the function has to be able to run.
    pub(crate) in_background: bool,
}

/// The kind of a setting's value.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A `Duration`: seconds, text such as `"1m"` or a constant.
    Time,
    /// An `f64` below 1.
    Share(Share),
    /// A variant of an enum of larder.
    Choice(&'static Choices),
    /// A `u32`.
    Number,
}

/// The bounds of a share.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) includes_zero: bool,
    /// A value for messages.
    pub(crate) example: &'static str,
}

/// A setting that is written.
pub(crate) struct WrittenSetting<'a> {
    pub(crate) name: &'static str,
    pub(crate) setting: Setting,
    /// The span of the name.
    pub(crate) span: Span,
    pub(crate) value: &'a Expr,
}

/// [`Kind::Time`].
pub(crate) const fn time() -> Setting {
    Setting::new(Kind::Time)
}

/// [`Kind::Share`], above zero.
pub(crate) const fn share_above_zero(example: &'static str) -> Setting {
    Setting::new(Kind::Share(Share { includes_zero: false, example }))
}

/// [`Kind::Share`], zero included.
pub(crate) const fn share_from_zero(example: &'static str) -> Setting {
    Setting::new(Kind::Share(Share { includes_zero: true, example }))
}

/// [`Kind::Choice`].
pub(crate) const fn choice(choices: &'static Choices) -> Setting {
    Setting::new(Kind::Choice(choices))
}

/// [`Kind::Number`].
pub(crate) const fn number() -> Setting {
    Setting::new(Kind::Number)
}

impl Setting {
    const fn new(kind: Kind) -> Self {
        Self { kind, in_background: false }
    }

    /// The setting refreshes values in the background.
    pub(crate) const fn in_background(mut self) -> Self {
        self.in_background = true;
        self
    }
}

impl<'a> WrittenSetting<'a> {
    /// The setting, if its option is written.
    pub(crate) fn of(name: &'static str, setting: Setting, slot: &'a Slot<Expr>) -> Option<Self> {
        let (span, value) = slot.span().zip(slot.get())?;
        Some(Self { name, setting, span, value })
    }
}
