//! Model: an attribute and its function.

use proc_macro2::TokenStream;
use syn::{Path, Result};

use super::check;
use super::options::LimitArgs;
use crate::errors::Errors;
use crate::input::func::Func;
use crate::read::krate;
use crate::read::template::{self, Piece};
use crate::verb::Verb;

/// An attribute and its function. A value exists only if every check has passed.
pub(super) struct LimitModel {
    pub(super) krate: Path,
    pub(super) func: Func,
    pub(super) args: LimitArgs,
    pub(super) by: Vec<Piece>,
}

impl LimitModel {
    /// Reads and checks an attribute; the error holds all mistakes.
    pub(super) fn new(args: TokenStream, item: TokenStream) -> Result<Self> {
        let mut errors = Errors::default();
        let written = args.clone();
        let args = LimitArgs::parse(args, &mut errors);
        let Some(mut func) = errors.take(Func::parse(Verb::Limit, item)) else { return errors.finish(None) };
        func.params.iter_mut().for_each(|param| param.note_mentions(&written));
        errors.extend(std::mem::take(&mut func.param_errors));
        check::check(&args, &func, &mut errors);
        let krate = errors.take(krate::path(args.krate.as_ref()));
        let by = args.by.as_ref().and_then(|by| template::read("by", by, &func, &mut errors));
        let model = krate.map(|krate| Self { krate, func, args, by: by.unwrap_or_default() });
        errors.finish(model)
    }
}
