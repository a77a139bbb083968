//! Output: the kind of a function, and the type of a call's value.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Path, PathArguments, ReturnType, Signature, Type,
    TypeParamBound,
};

use crate::input::types::peel;

/// The way a function returns, and what.
pub(crate) struct Output {
    pub(crate) kind: FnKind,
    /// The type of the value: of a boxed future, its output.
    pub(crate) result: Type,
}

/// The way a function returns its value.
pub(crate) enum FnKind {
    Async,
    Sync,
    /// `fn(..) -> Pin<Box<dyn Future<Output = T>>>`, which `#[async_trait]` makes of an `async fn`.
    BoxedFuture,
}

impl Output {
    /// Reads a signature.
    pub(crate) fn of(sig: &Signature) -> Self {
        let result = returned(&sig.output);
        if sig.asyncness.is_some() {
            return Self { kind: FnKind::Async, result };
        }
        match boxed_output(&result) {
            Some(output) => Self { kind: FnKind::BoxedFuture, result: output.clone() },
            None => Self { kind: FnKind::Sync, result },
        }
    }
}

/// The return type, `()` if none is written.
pub(crate) fn returned(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => Type::Verbatim(quote_spanned!(Span::mixed_site()=> ())),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// `T` of `Pin<Box<dyn Future<Output = T> + ..>>`.
fn boxed_output(ty: &Type) -> Option<&Type> {
    let pinned = only_type(ty, "Pin")?;
    let Type::TraitObject(object) = only_type(pinned, "Box")? else { return None };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        arguments(&bound.path, "Future")?.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        })
    })
}

fn only_type<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = peel(ty) else { return None };
    let arguments = arguments(&path.path, name)?;
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(peel(ty)),
        _ => None,
    }
}

fn arguments<'a>(path: &'a Path, name: &str) -> Option<&'a AngleBracketedGenericArguments> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}
