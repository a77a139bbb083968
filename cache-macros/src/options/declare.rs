//! The macro behind the table of options: it makes `Args` and everything that has to know all options.

/// Declares `Args` from the lines of the table.
macro_rules! declare_args {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    ($(
        $field:ident $(as $name:literal)?: $syntax:ident, [$($verb:ident),+]
        $(, sets $setting:expr)? $(, needs $companion:ident)?;
    )*) => {
        /// The options as they are written, before any of them is interpreted.
        #[derive(Default)]
        pub(crate) struct Args {
            $(pub(crate) $field: $crate::options::slot::Slot<<$syntax as $crate::options::syntax::Syntax>::Value>,)*
        }

        impl Args {
            /// Parses all options. A mistake in one is reported, and the next is parsed.
            pub(crate) fn parse(
                verb: $crate::verb::Verb,
                tokens: proc_macro2::TokenStream,
                errors: &mut $crate::errors::Errors,
            ) -> Self {
                let mut args = Self::default();
                $crate::options::parse::each_option(tokens, errors, |name, input| args.option(verb, name, input));
                args
            }

            fn option(
                &mut self,
                verb: $crate::verb::Verb,
                name: &syn::Ident,
                input: syn::parse::ParseStream<'_>,
            ) -> syn::Result<()> {
                $(
                    let option = declare_args!(@name $field $($name)?);
                    if name == option && verb.takes(option, &[$($crate::verb::Verb::$verb),+]) {
                        let value = <$syntax as $crate::options::syntax::Syntax>::parse(name, input)?;
                        return self.$field.set(name, value);
                    }
                )*
                Err($crate::options::suggest::unknown(verb, name, &Self::names(verb)))
            }

            /// The names of the options that `verb` takes.
            pub(crate) fn names(verb: $crate::verb::Verb) -> Vec<&'static str> {
                let verb = verb.without_preset();
                let mut names = Vec::new();
                $(
                    if [$($crate::verb::Verb::$verb),+].contains(&verb) {
                        names.push(declare_args!(@name $field $($name)?));
                    }
                )*
                names
            }

            /// The options with `sets` that are written.
            pub(crate) fn settings(&self) -> Vec<$crate::options::setting::WrittenSetting<'_>> {
                let written = [$($(
                    $crate::options::setting::WrittenSetting::of(stringify!($field), $setting, &self.$field),
                )?)*];
                written.into_iter().flatten().collect()
            }

            /// The options with `needs` that are written without the other one.
            pub(crate) fn missing_companions(&self) -> Vec<$crate::options::slot::MissingCompanion> {
                let mut missing = Vec::new();
                $($(
                    if let (Some(span), None) = (self.$field.span(), self.$companion.span()) {
                        missing.push($crate::options::slot::MissingCompanion {
                            name: stringify!($field),
                            value: <$syntax as $crate::options::syntax::Syntax>::EXAMPLE,
                            companion: stringify!($companion),
                            span,
                        });
                    }
                )?)*
                missing
            }
        }
    };
}

pub(crate) use declare_args;
