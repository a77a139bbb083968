//! A number for a type's name, stored with every value so that one type's bytes are never decoded as another's.

use std::any::type_name;
use std::cell::Cell;

/// The number of names whose fingerprints a thread remembers.
const REMEMBERED: usize = 16;

/// Address and length of a name, and its fingerprint.
type KnownName = (usize, usize, u64);

thread_local! {
    /// The fingerprints of names, each at the position that its address gives: hashing a name takes longer than most other
    /// checks of a hit.
    static KNOWN: [Cell<KnownName>; REMEMBERED] = const { [const { Cell::new((0, 0, 0)) }; REMEMBERED] };
}

/// Returns the fingerprint of the type `T` as stored.
///
/// References and owning pointers do not change the stored bytes: `&str`, `Arc<str>` and `String` have one fingerprint,
/// and so have `&[u8]` and `Vec<u8>`. If a compiler writes a name differently, older entries are misses, not errors.
#[inline]
pub(crate) fn fingerprint<T: ?Sized>() -> u64 {
    let name = type_name::<T>();
    let (address, len) = (name.as_ptr().addr(), name.len());
    KNOWN.with(|known| {
        // Names are a few dozen bytes long and lie side by side.
        let place = &known[(address / 16) % REMEMBERED];
        match place.get() {
            // Names are never freed, so one address and length are one name.
            (known_address, known_len, hash) if (known_address, known_len) == (address, len) => hash,
            _ => {
                let hash = fingerprint_of(name);
                place.set((address, len, hash));
                hash
            }
        }
    })
}

/// Returns the fingerprint of the type with this name.
#[cold]
fn fingerprint_of(name: &str) -> u64 {
    let name = peel(name);
    let mut hash = Fnv::new();
    if name == "str" {
        hash.write(b"alloc::string::String");
    } else if let Some(element) = slice_element(name) {
        hash.write(b"alloc::vec::Vec<");
        hash.write(element.as_bytes());
        hash.write(b">");
    } else {
        hash.write(name.as_bytes());
    }
    hash.finish()
}

/// FNV-1a with 64 bits (RFC 9923): small, and the same on every platform and in every version, which the hashers of the
/// standard library do not promise. Not for untrusted input.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Fnv {
    /// Creates the hasher of an empty input.
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Returns the hash of all added bytes.
    pub(crate) const fn finish(self) -> u64 {
        self.0
    }
}

/// Removes the wrappers that do not change a value's stored form.
fn peel(mut name: &str) -> &str {
    const WRAPPERS: [&str; 4] =
        ["alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<", "alloc::borrow::Cow<"];
    loop {
        let inner = name.strip_prefix("&mut ").or_else(|| name.strip_prefix('&'));
        let wrapped = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper));
        let inner = inner.or_else(|| wrapped.and_then(|inner| inner.strip_suffix('>')));
        let Some(inner) = inner else {
            return name;
        };
        // Some compilers include the lifetime: `&'_ str`, `Cow<'_, str>`.
        let inner = inner.strip_prefix("'_").unwrap_or(inner);
        name = inner.trim_start_matches([',', ' ']);
    }
}

/// Returns the element of a slice `[X]`; an array `[X; 3]` is not a slice.
fn slice_element(name: &str) -> Option<&str> {
    let element = name.strip_prefix('[')?.strip_suffix(']')?;
    let mut depth = 0_usize;
    for byte in element.bytes() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    Some(element)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::rc::Rc;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn wrappers_do_not_count() {
        let string = fingerprint::<String>();
        for same in [
            fingerprint::<str>(),
            fingerprint::<&str>(),
            fingerprint::<&&mut &str>(),
            fingerprint::<Box<str>>(),
            fingerprint::<Arc<str>>(),
            fingerprint::<Rc<String>>(),
            fingerprint::<Arc<Box<str>>>(),
            fingerprint::<Cow<'static, str>>(),
            fingerprint::<&Cow<'static, str>>(),
        ] {
            assert_eq!(same, string);
        }
        let bytes = fingerprint::<Vec<u8>>();
        for same in [
            fingerprint::<[u8]>(),
            fingerprint::<&[u8]>(),
            fingerprint::<Box<[u8]>>(),
            fingerprint::<Cow<'static, [u8]>>(),
        ] {
            assert_eq!(same, bytes);
        }
        assert_eq!(fingerprint::<&[[u8; 4]]>(), fingerprint::<Vec<[u8; 4]>>());
    }

    #[test]
    fn types_count() {
        mod other {
            pub(super) struct Row;
        }
        struct Row;
        let all = [
            fingerprint::<Row>(),
            fingerprint::<other::Row>(),
            fingerprint::<String>(),
            fingerprint::<Vec<u8>>(),
            fingerprint::<[u8; 4]>(),
            fingerprint::<[u8; 5]>(),
            fingerprint::<[[u8; 4]; 4]>(),
            fingerprint::<Vec<[u8; 4]>>(),
            fingerprint::<Vec<Vec<u8>>>(),
            fingerprint::<u8>(),
            fingerprint::<(u8,)>(),
            fingerprint::<Option<u8>>(),
            fingerprint::<Option<Box<u8>>>(),
            fingerprint::<Vec<Option<u8>>>(),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
    }

    #[test]
    fn frozen() {
        // The published test vectors.
        let mut hash = Fnv::new();
        assert_eq!(hash.finish(), 0xcbf2_9ce4_8422_2325);
        hash.write(b"foobar");
        assert_eq!(hash.finish(), 0x8594_4171_f739_67e8);
    }
}
