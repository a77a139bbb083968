//! The macro behind [`Codec`](super::Codec): declares the enum, its numbers and its dispatch from one table.

/// Declares the enum of codecs from lines `Variant = number, module, feature "name";`.
///
/// The module is a sibling file with the name that `codec = ..` takes. It holds a unit struct with the name of the
/// variant, which implements [`Format`](super::format::Format). Every variant exists in every build; one whose feature
/// is off refuses to encode and decodes nothing.
macro_rules! codecs {
    (
        $(#[$enum_attribute:meta])*
        pub enum $codec:ident {
            $(
                $(#[$attribute:meta])*
                $variant:ident = $id:literal, $module:ident $(, feature $feature:literal)?;
            )*
        }
    ) => {
        $(#[$enum_attribute])*
        pub enum $codec {
            $($(#[$attribute])* $variant,)*
        }

        impl $codec {
            /// Every codec, with those whose feature is off.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the name, as in `codec = json`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($module),)*
                }
            }

            /// Returns the number that stands for this codec in an envelope.
            pub(crate) const fn id(self) -> u8 {
                match self {
                    $(Self::$variant => $id,)*
                }
            }

            /// Returns the codec with this number.
            pub(crate) const fn from_id(id: u8) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Fails when the feature of this codec is off.
            pub(crate) fn available(self) -> Result<(), Error> {
                $($(
                    if self == Self::$variant && !cfg!(feature = $feature) {
                        return Err(feature_off("codec", $feature));
                    }
                )?)*
                Ok(())
            }

            /// Returns the codec for a value whose type need not be decodable: JSON in place of a codec whose
            /// fingerprint deserializes the type. Every reader can decode that, as the envelope names the codec.
            pub(crate) const fn for_encode_only(self) -> Self {
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant if super::$module::$variant::FINGERPRINT_DECODES => Self::Json,
                    )*
                    other => other,
                }
            }

            /// Appends the encoded value to `out`.
            pub(super) fn encode<T: Serialize + ?Sized>(self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
                self.available()?;
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant => match caught(|| super::$module::$variant::encode(value, out)) {
                            Some(encoded) => encoded.map_err(|error| Error::encode(self.name(), error)),
                            None => Err(panicked(self.name())),
                        },
                        $(
                            // `available` has failed.
                            #[cfg(not(feature = $feature))]
                            Self::$variant => Ok(()),
                        )?
                    )*
                }
            }

            /// Returns the value that `bytes` hold, if they hold one and nothing else.
            #[inline]
            pub(super) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, DecodeError> {
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant => match caught(|| super::$module::$variant::decode(bytes)) {
                            Some(decoded) => decoded,
                            None => Err(DecodeError::new("`Deserialize` panicked")),
                        },
                        $(
                            #[cfg(not(feature = $feature))]
                            Self::$variant => {
                                Err(DecodeError::new(concat!("the feature `", $feature, "` is off")))
                            }
                        )?
                    )*
                }
            }

            /// Returns a hash of the shape of `T` if this codec stores values by position; else 0.
            pub(super) fn shape<T: DeserializeOwned>(self) -> u64 {
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant => super::$module::$variant::shape::<T>(),
                        $(
                            #[cfg(not(feature = $feature))]
                            Self::$variant => 0,
                        )?
                    )*
                }
            }

            /// Returns `false` for a type whose values can be encoded and not decoded, because they are too deep.
            pub(super) fn is_bounded<T: DeserializeOwned>(self) -> bool {
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant => super::$module::$variant::is_bounded::<T>(),
                        $(
                            #[cfg(not(feature = $feature))]
                            Self::$variant => true,
                        )?
                    )*
                }
            }

            /// Returns the fingerprint of `T` as this codec stores it.
            #[inline]
            pub(super) fn fingerprint<T: DeserializeOwned>(self) -> u64 {
                match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$variant => super::$module::$variant::fingerprint::<T>(),
                        $(
                            #[cfg(not(feature = $feature))]
                            Self::$variant => super::fingerprint::fingerprint::<T>(),
                        )?
                    )*
                }
            }
        }
    };
}

pub(super) use codecs;
