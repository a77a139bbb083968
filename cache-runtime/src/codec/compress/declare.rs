//! The macro behind [`Compress`](super::Compress): declares the enum, its numbers and its dispatch from one table.

/// Declares the enum of compressions from lines `Variant = number, module, feature "name";`, and its first variant `None`.
///
/// The module is a sibling file with the name that `compress = ..` takes. It holds a unit struct with the name of the
/// variant, which implements [`Algorithm`](super::algorithm::Algorithm). Every variant exists in every build.
macro_rules! compressions {
    (
        $(#[$enum_attribute:meta])*
        pub enum $compress:ident {
            $(
                $(#[$attribute:meta])*
                $variant:ident = $id:literal, $module:ident, feature $feature:literal;
            )*
        }
    ) => {
        $(#[$enum_attribute])*
        pub enum $compress {
            /// No compression.
            #[default]
            None,
            $($(#[$attribute])* $variant,)*
        }

        impl $compress {
            /// Every compression, with those whose feature is off.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[Self::None, $(Self::$variant),*];

            /// Returns the name, as in `compress = lz4`.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::None => "none",
                    $(Self::$variant => stringify!($module),)*
                }
            }

            /// Returns the number that stands for this compression in an envelope.
            pub(crate) const fn id(self) -> u8 {
                match self {
                    Self::None => 0,
                    $(Self::$variant => $id,)*
                }
            }

            /// Returns the compression with this number.
            pub(crate) const fn from_id(id: u8) -> Option<Self> {
                match id {
                    0 => Some(Self::None),
                    $($id => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Fails when the feature of this compression is off.
            pub(crate) fn available(self) -> Result<(), Error> {
                $(
                    if self == Self::$variant && !cfg!(feature = $feature) {
                        return Err(feature_off("compress", $feature));
                    }
                )*
                Ok(())
            }

            /// Returns the compressed bytes; `None` without compression.
            pub(super) fn compress(self, raw: &[u8]) -> Option<Vec<u8>> {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$variant => super::$module::$variant::compress(raw),
                        #[cfg(not(feature = $feature))]
                        Self::$variant => None,
                    )*
                    Self::None => Uncompressed::compress(raw),
                }
            }

            /// Returns the bytes that were compressed.
            pub(super) fn decompress(self, bytes: &[u8], raw_len: usize) -> Option<Vec<u8>> {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$variant => super::$module::$variant::decompress(bytes, raw_len),
                        #[cfg(not(feature = $feature))]
                        Self::$variant => None,
                    )*
                    Self::None => Uncompressed::decompress(bytes, raw_len),
                }
            }
        }
    };
}

pub(super) use compressions;
