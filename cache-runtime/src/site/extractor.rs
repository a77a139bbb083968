//! Extractors: types that hold a part of a request. They are not `Serialize`, and larder knows what each of them holds.

use serde::Serialize;

use super::arguments::Arguments;

/// A type that holds a part of a request. `Option` and `Result` of an extractor are extractors of the same class.
pub trait Extractor {
    /// The class, which decides how an argument counts: a [`Class`](super::class::Class).
    type Class;

    /// True if every rejected request is rejected with the same value.
    const HAS_ONE_REJECTION: bool = false;

    /// The host of the request, if the extractor holds it.
    fn host(&self) -> Option<&str> {
        None
    }
}

/// An extractor that counts by its content, such as `Path` and `Query`.
pub trait ExtractPart: Extractor {
    /// The content, whose type errors name.
    type Content: ?Sized;

    /// Adds the content to the key.
    fn extract(&self, key: &mut Arguments<'_>)
    where
        Self::Content: Serialize;
}

/// The whole body of a request.
pub trait BodyPart {
    /// Returns whether the request has a body, or one that was rejected.
    fn is_present(&self) -> bool;
}

impl<E: Extractor + ?Sized> Extractor for &E {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        (**self).host()
    }
}

impl<E: Extractor + ?Sized> Extractor for &mut E {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        (**self).host()
    }
}

impl<E: Extractor> Extractor for Option<E> {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        self.as_ref()?.host()
    }
}

impl<E: Extractor, R> Extractor for Result<E, R> {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        self.as_ref().ok()?.host()
    }
}

impl<E: ExtractPart + ?Sized> ExtractPart for &E {
    type Content = E::Content;

    #[inline]
    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        (**self).extract(key);
    }
}

impl<E: ExtractPart + ?Sized> ExtractPart for &mut E {
    type Content = E::Content;

    #[inline]
    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        (**self).extract(key);
    }
}

impl<E: ExtractPart> ExtractPart for Option<E> {
    type Content = E::Content;

    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        key.part(&self.is_some());
        if let Some(extractor) = self {
            extractor.extract(key);
        }
    }
}

impl<E: ExtractPart, R> ExtractPart for Result<E, R> {
    type Content = E::Content;

    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        key.part(&self.is_ok());
        match self {
            Ok(extractor) => extractor.extract(key),
            Err(_) if E::HAS_ONE_REJECTION => {}
            // The rejection describes this request.
            Err(_) => key.bypass(),
        }
    }
}

impl<B: BodyPart + ?Sized> BodyPart for &B {
    fn is_present(&self) -> bool {
        (**self).is_present()
    }
}

impl BodyPart for String {
    fn is_present(&self) -> bool {
        !self.is_empty()
    }
}

impl<B: BodyPart, R> BodyPart for Result<B, R> {
    fn is_present(&self) -> bool {
        self.as_ref().map_or(true, BodyPart::is_present)
    }
}
