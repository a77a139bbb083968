//! Feature: features of larder that an option needs.

/// A feature of larder.
#[derive(Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) is_on: bool,
}

impl Feature {
    /// The message that `code` needs the feature, if the feature is off.
    pub(crate) fn missing_for(self, code: &str) -> Option<String> {
        let Self { name, is_on } = self;
        (!is_on).then(|| {
            format!(
                "`{code}` needs the feature `{name}` of larder; write `larder = {{ version = \"..\", features = [\"{name}\"] }}` in Cargo.toml"
            )
        })
    }
}

/// A [`Feature`] by its name, which is also a feature of this crate. The unit tests of this crate have all of them.
macro_rules! larder_feature {
    ($name:literal) => {
        $crate::options::feature::Feature { name: $name, is_on: cfg!(any(feature = $name, test)) }
    };
}

pub(crate) use larder_feature;
