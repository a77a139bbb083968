//! Arguments that the compiler refuses: no type has the traits of this file, and their messages say what to write. Refusals that name
//! an argument are in generated code, because a message of this file can only name types.

use super::arguments::Arguments;

/// Declares a refusal: a trait without implementations, whose message the compiler prints, and the type whose `put` asks for it.
macro_rules! refusals {
    ($(
        $(#[doc = $doc:literal])+
        $refused:ident asks $ask:ident {
            message: $message:literal,
            label: $label:literal,
            notes: [$($note:literal),+],
        }
    )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Default)]
            pub struct $refused;

            #[doc = concat!("Has no implementation: [`", stringify!($refused), "`] asks for it.")]
            #[diagnostic::on_unimplemented(message = $message, label = $label, $(note = $note),+)]
            pub trait $ask {}

            impl $refused {
                /// Never compiles.
                pub fn put<T: $ask + ?Sized>(self, _: &T, _: &mut Arguments<'_>) {}
            }
        )*
    };
}

refusals! {
    /// An argument of a handler that may identify the user, without a word about it.
    RefusedInHandler asks DeclaredInHandler {
        message: "nothing says how the response depends on `{Self}`",
        label: "this may tell users apart",
        notes: [
            "if each user has a response of their own, write `private`; if the response depends on some headers, name all of them: `vary(accept_language, \"X-Tenant\")`, or `vary(cookie)` for cookies",
            "if the response depends on a part of it alone, name that in the expressions of a key: `key = (id, headers.get(\"x-tenant\").map(|tenant| tenant.as_bytes()))`; the text of a key is not enough",
            "if the response is the same for all users, write `shared`; if this argument does not matter, write `#[cache(ignore)]` before it"
        ],
    }

    /// An argument of a function that may identify the user, without a word about it.
    RefusedInFunction asks DeclaredInFunction {
        message: "nothing says how the result depends on `{Self}`",
        label: "this may tell users apart",
        notes: [
            "name the part that counts in the expressions of a key: `key = (id, headers.get(\"x-tenant\").map(|tenant| tenant.as_bytes()))`; the text of a key is not enough",
            "if the result does not depend on it, write `#[cache(ignore)]` before the argument"
        ],
    }

    /// An expression of a key that is a whole map of headers or a whole request.
    RefusedInExpression asks NamesPart {
        message: "`{Self}` as a whole cannot be part of a cache key",
        label: "this holds more than the result depends on",
        notes: ["name the part that counts: `key = (id, headers.get(\"x-tenant\").map(|tenant| tenant.as_bytes()))`"],
    }

    /// The address of the client, outside the expressions of a key.
    RefusedConnection asks DeclaredConnection {
        message: "nothing says how the result depends on `{Self}`",
        label: "this differs from client to client",
        notes: [
            "if the result depends on the address, name it in the expressions of a key: `key = (id, address.ip())`; the text of a key is not enough",
            "if the result does not depend on it, write `#[cache(ignore)]` before the argument"
        ],
    }

    /// An extension that an explicit key does not mention.
    RefusedBesideKey asks MentionedInKey {
        message: "the key does not mention `{Self}`",
        label: "an extension may tell users apart",
        notes: [
            "for a user or a session, mention the argument in the key: `key = \"orders:{{user.id}}\"` or `key = (user.id, page)`",
            "for a pool, a client or another handle, which is the same for every request, write `impl larder::IgnoreInKey for T {{}}`; or `#[cache(ignore)]` before the argument if the type is not yours"
        ],
    }

    /// A receiver that an explicit key does not mention.
    RefusedReceiver asks MentionedReceiver {
        message: "the key does not mention `self`; write a field that counts, as in `{{self.id}}`, or `ignore(self)`",
        label: "different values of `self` would share one entry",
        notes: ["for a service that is the same for every call, `#[derive(larder::IgnoreInKey)]` on its type leaves it out of every key"],
    }

    /// A receiver that counts and that the entry function does not take.
    RefusedOmittedReceiver asks TakenReceiver {
        message: "the entry function does not take `self`, which counts; write `ignore(self)`, or `self` in the parentheses of `entry = ..`",
        label: "different values of `self` have different entries",
        notes: ["for a service that is the same for every call, `#[derive(larder::IgnoreInKey)]` on its type leaves it out of every key"],
    }

    /// A part of the URL that is left out of the arguments that `entry` names.
    RefusedUrl asks NamedByEntry {
        message: "an entry cannot name the URL, and `{Self}` is left out of its key",
        label: "every URL would share one entry",
        notes: [
            "remove `ignore`, so that the content is part of the key and an argument of the entry function; of a whole request, take what counts from a `Path`, a `Query` or an `OriginalUri`",
            "or write the key: `key = \"item:{{id}}\"`, or `key = (id, page)`"
        ],
    }
}
