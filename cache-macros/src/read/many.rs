//! Many: the ids of `#[cache_many]`, and the entries that they have.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, Expr, Pat, Path, PathArguments, ReceiverKind, Type};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::Param;
use crate::input::types::peel;
use crate::options::table::Args;
use crate::read::key::{self, Key, KeyPart, Place};
use crate::read::template::Piece;
use crate::tokens::expr;
use crate::tokens::search::names;

/// The argument with the ids.
pub(crate) struct IdsParam {
    pub(crate) ident: Ident,
    /// The place of messages about the type.
    pub(crate) ty_span: Span,
    pub(crate) form: IdsForm,
}

/// The form of the argument with the ids.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdsForm {
    /// `&[T]`.
    Slice,
    /// `&Vec<T>`.
    VecRef,
    /// `Vec<T>`.
    Vec,
}

/// The entries of the ids.
pub(crate) enum ManyEntries {
    /// Entries of the function itself.
    Own(Key),
    /// `of = ..`: those of another function.
    Of {
        entry: Expr,
        /// A closure whose parameter has no type, so that the ids tell it.
        is_untyped: bool,
        /// The arguments that `of` does not mention, which must be ignored by their types.
        outside: Vec<KeyPart>,
    },
}

/// Finds the argument with the ids.
pub(crate) fn ids(func: &Func, errors: &mut Errors) -> Option<IdsParam> {
    receiver(func, errors);
    let is_marked = func.params.iter().any(|param| param.is_each);
    let mut found: Option<IdsParam> = None;
    for param in &func.params {
        let form = form(&param.ty);
        let is_ids = if is_marked { param.is_each } else { form.is_some() && !param.ignored };
        if !is_ids {
            continue;
        }
        let refused = match form {
            _ if found.is_some() && is_marked => {
                "`#[cache(each)]` stands before another argument already; remove one of them"
            }
            _ if found.is_some() => {
                "a second list: write `#[cache(each)]` before the argument with the ids, which the other ones are no part of"
            }
            _ if param.ignored => "the ids cannot be ignored; remove `#[cache(ignore)]`",
            _ if !param.cfgs.is_empty() => "the ids must exist in every build; remove `#[cfg(..)]`",
            Some(form) => {
                let (ident, ty_span) = (param.ident.clone(), param.ty.span());
                found = Some(IdsParam { ident, ty_span, form });
                continue;
            }
            None => "the ids must be a slice or a vector; write `&[T]` or `Vec<T>`",
        };
        errors.push(Error::new_spanned(&param.ty, refused));
        return None;
    }
    if found.is_none() {
        let name = &func.sig.ident;
        errors.at(
            name.span(),
            format!("`{name}` has no argument with ids; write one such as `ids: &[u64]` or `ids: Vec<u64>`"),
        );
    }
    found
}

/// Reads the entries of the ids.
pub(crate) fn entries(
    args: &Args,
    func: &Func,
    ids: &IdsParam,
    group: Option<&Vec<Piece>>,
    errors: &mut Errors,
) -> ManyEntries {
    let Some(of) = args.of.get() else {
        let mut key = key::read(args, func, group, None, errors);
        let own = |part: &KeyPart| names(&part.value, &ids.ident.to_string());
        let is_outside = key
            .beside
            .iter()
            .any(|beside| matches!(beside.place, Place::Unmentioned(_)) && own(&beside.part));
        if let (true, Some(written)) = (is_outside, args.key.get()) {
            let message = format!(
                "`key` does not mention the ids, so all of them would have one entry; mention `{}`, which is one id here",
                ids.ident
            );
            errors.push(Error::new_spanned(written, message));
            key.beside.retain(|beside| !own(&beside.part));
        }
        return ManyEntries::Own(key);
    };
    let mentioned = of.to_token_stream();
    let is_outside = |name: &str| !names(&mentioned, name);
    let receiver = func.receiver.iter().filter(|receiver| !receiver.ignored && is_outside("self"));
    let receiver = receiver.map(|receiver| KeyPart {
        value: receiver.token.to_token_stream(),
        span: receiver.token.span,
        cfgs: Vec::new(),
    });
    let is_param_outside = |param: &&Param| {
        let bindings = param.bindings();
        !param.ignored
            && param.ident != ids.ident
            && is_outside(&param.name())
            && bindings.iter().all(|binding| is_outside(&binding.name.to_string()))
    };
    let params = func.params.iter().filter(is_param_outside).map(|param| KeyPart {
        value: param.ident.to_token_stream(),
        span: param.ty.span(),
        cfgs: param.cfgs.clone(),
    });
    ManyEntries::Of {
        entry: func.with_bindings(of),
        is_untyped: is_untyped(of),
        outside: receiver.chain(params).collect(),
    }
}

/// Returns true for a closure whose parameter has no type.
fn is_untyped(of: &Expr) -> bool {
    match expr::peel(of) {
        Expr::Closure(closure) => closure.inputs.iter().all(|input| !matches!(input, Pat::Type(_))),
        _ => false,
    }
}

/// Reports a receiver that a second run of the body would lack.
fn receiver(func: &Func, errors: &mut Errors) {
    let Some(receiver) = func.sig.receiver() else { return };
    let is_shared = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => matches!(peel(ty), Type::Reference(ty) if ty.mutability.is_none()),
        _ => false,
    };
    if !is_shared {
        errors.push(Error::new_spanned(
            receiver,
            "a function for several ids may run more than once in a call; take `&self`",
        ));
    }
}

/// The form of a list; `None` for any other type.
fn form(ty: &Type) -> Option<IdsForm> {
    match peel(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => match peel(&reference.elem) {
            Type::Slice(_) => Some(IdsForm::Slice),
            Type::Path(path) if is_vec(&path.path) => Some(IdsForm::VecRef),
            _ => None,
        },
        Type::Path(path) if is_vec(&path.path) => Some(IdsForm::Vec),
        _ => None,
    }
}

fn is_vec(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident == "Vec" && matches!(last.arguments, PathArguments::AngleBracketed(_)))
}

impl IdsParam {
    /// The place of messages about the ids.
    pub(crate) fn span(&self) -> Span {
        self.ident.span()
    }
}
