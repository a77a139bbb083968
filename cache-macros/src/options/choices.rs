//! Choices: options whose value is one word of a list. A codec is one line here.

use crate::options::feature::{Feature, larder_feature};

/// The words of an option.
pub(crate) struct Choices {
    /// The enum of larder that has a variant for each.
    pub(crate) of: &'static str,
    pub(crate) choices: &'static [Choice],
}

/// One word of an option.
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) variant: &'static str,
    /// The feature of larder that the variant needs.
    pub(crate) feature: Option<Feature>,
}

/// Declares [`Choices`]: the word, the variant, and the feature if there is one.
macro_rules! choices {
    (@feature) => { None };
    (@feature $feature:literal) => { Some(larder_feature!($feature)) };
    ($of:ident { $($word:ident => $variant:ident $(needs $feature:literal)?;)* }) => {
        Choices {
            of: stringify!($of),
            choices: &[$(Choice {
                word: stringify!($word),
                variant: stringify!($variant),
                feature: choices!(@feature $($feature)?),
            }),*],
        }
    };
}

/// `codec = ..`.
pub(crate) static CODECS: Choices = choices!(Codec {
    json => Json;
    msgpack => MsgPack needs "msgpack";
    postcard => Postcard needs "postcard";
});

/// `etag = ..`.
pub(crate) static ETAGS: Choices = choices!(EtagKind {
    weak => Weak;
    strong => Strong;
    off => Off;
});

/// `compress = ..`.
pub(crate) static COMPRESSIONS: Choices = choices!(Compress {
    lz4 => Lz4 needs "lz4";
    zstd => Zstd needs "zstd";
});
