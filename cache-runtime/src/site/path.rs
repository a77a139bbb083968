//! Function paths: the compiler's path of a called function, and the form in which keys show it.

/// Returns the path of the function that contains the closure.
///
/// The compiler's path of a closure holds module, `impl` type, trait and generic arguments:
/// `app::Repo<u8>::load::{{closure}}`.
#[must_use]
pub fn name_of<F>(_: &F) -> &'static str {
    let mut path = std::any::type_name::<F>();
    while let Some(rest) = path.strip_suffix("::{{closure}}") {
        path = rest;
    }
    path
}

/// Returns the path of the function that is declared beside the one with this path, as `entry = ..` generates it. The text is
/// never freed.
pub(super) fn sibling(path: &'static str, own: &str, function: &str) -> &'static str {
    let Some((start, end)) = last_segment(path, own) else { return path };
    Box::leak([&path[..start], function, &path[end..]].concat().into_boxed_str())
}

/// Returns the name of a function for people: `Type::method`, or `module::function`.
pub(super) fn short_name(path: &str) -> String {
    let mut names: Vec<String> = segments(path).filter_map(segment_name).collect();
    let last = names.split_off(names.len().saturating_sub(2));
    last.join("::")
}

/// Returns the segments of a path; a `::` in brackets does not separate.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut from) = (0_i32, 0);
    let ends = path.match_indices(['<', '>', ':']).filter_map(move |(index, found)| {
        match found {
            "<" => depth += 1,
            ">" if !path[..index].ends_with('-') => depth -= 1,
            ":" if depth == 0 && path[index + 1..].starts_with(':') => return Some(index),
            _ => {}
        }
        None
    });
    ends.chain([path.len()]).map(move |end| {
        let segment = &path[from..end];
        from = end + 2;
        segment
    })
}

/// Returns the name of one segment, without generic arguments: of `<T as Trait>` and `<impl Trait for T>` that of the type;
/// none for a closure.
fn segment_name(segment: &str) -> Option<String> {
    if segment.starts_with("{{") {
        return None;
    }
    let Some(inner) = segment.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
        return Some(dotted(&without_generics(segment)));
    };
    let of_impl =
        inner.strip_prefix("impl ").map(|rest| split_outside(rest, " for ").map_or(rest, |(_, own)| own));
    let own = of_impl.unwrap_or_else(|| split_outside(inner, " as ").map_or(inner, |(own, _)| own));
    let own = own.trim_start_matches('&').trim_start_matches("mut ").trim_start_matches("dyn ");
    let last = segments(own).last().unwrap_or(own);
    Some(dotted(&without_generics(last)))
}

/// Splits a text at the first occurrence of `at` outside brackets.
fn split_outside<'t>(text: &'t str, at: &str) -> Option<(&'t str, &'t str)> {
    let is_outside = |index: &usize| {
        let open = text[..*index].matches('<').count();
        open == text[..*index].matches('>').count() - text[..*index].matches("->").count()
    };
    let index = text.match_indices(at).map(|(index, _)| index).find(is_outside)?;
    Some((&text[..index], &text[index + at.len()..]))
}

/// Replaces the characters of a path that have a meaning in keys, globs and hash tags, and `::` with a dot.
pub(crate) fn dotted(path: &str) -> String {
    let path = path.replace("::", ".");
    path.chars()
        .map(|c| match c {
            '<' | '[' | '{' => '(',
            '>' | ']' | '}' => ')',
            ' ' | ':' | '*' | '?' | '^' | '\\' | '"' | '~' | '%' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect()
}

/// Removes the generic arguments: `app::Repo<u8>::load` -> `app::Repo::load`. A leading `<T as Trait>` is part of the path
/// and stays.
pub(super) fn without_generics(path: &str) -> String {
    let (mut out, mut depth) = (String::with_capacity(path.len()), 0_i32);
    let (head, rest) = split_qualified(path);
    out.push_str(head);
    for (index, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !rest[..index].ends_with('-') => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Returns the generic arguments in a path, in order: `app::Repo<u8>::load<i8>` -> `<u8><i8>`.
pub(super) fn generics(path: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_i32);
    let (head, rest) = split_qualified(path);
    if let Some(core) = head.strip_prefix('<').and_then(|head| head.strip_suffix('>')) {
        let own = core.split(" as ").map(generics).collect::<String>();
        out.push_str(&own);
    }
    for (index, c) in rest.char_indices() {
        let closes = c == '>' && !rest[..index].ends_with('-');
        depth += i32::from(c == '<');
        if depth > 0 {
            out.push(c);
        }
        depth -= i32::from(closes);
    }
    out
}

/// Splits `<app::Pg as app::Store>::get` after the closing bracket of its head.
pub(super) fn split_qualified(path: &str) -> (&str, &str) {
    if !path.starts_with('<') {
        return ("", path);
    }
    let mut depth = 0_i32;
    for (index, byte) in path.bytes().enumerate() {
        depth += i32::from(byte == b'<');
        if byte == b'>' && !path[..index].ends_with('-') {
            depth -= 1;
            if depth == 0 {
                return path.split_at(index + 1);
            }
        }
    }
    ("", path)
}

/// Returns start and end of the last occurrence of `segment` outside `<..>`.
fn last_segment(path: &str, segment: &str) -> Option<(usize, usize)> {
    let (mut depth, mut found) = (0_i32, None);
    for (index, byte) in path.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if !path[..index].ends_with('-') => depth -= 1,
            _ if depth == 0 && path[index..].starts_with(segment) => {
                found = Some((index, index + segment.len()));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generic_arguments_are_separated_from_the_path() {
        assert_eq!(without_generics("app::Repo<u8>::load<i8>"), "app::Repo::load");
        assert_eq!(generics("app::Repo<u8>::load<i8>"), "<u8><i8>");
        assert_eq!(without_generics("<app::Pg as app::Store>::get"), "<app::Pg as app::Store>::get");
        assert_eq!(generics("<app::Pg as app::Store>::get"), "");
        assert_eq!(generics("<app::Pg<u8> as app::Store>::get"), "<u8>");
        assert_eq!(generics("app::call<fn() -> alloc::vec::Vec<u8>>"), "<fn() -> alloc::vec::Vec<u8>>");
        assert_eq!(dotted("<app::Pg as app::Store>::get"), "(app.Pg_as_app.Store).get");
    }

    #[test]
    fn a_name_has_the_type_or_the_module() {
        for (path, name) in [
            ("app::users::profile", "users::profile"),
            ("app::profile", "app::profile"),
            ("app::users::Repo<app::User, u8>::load<i8>", "Repo::load"),
            ("<app::Pg as app::Store>::get", "Pg::get"),
            ("<app::Pg<app::A> as app::Store<app::B>>::get", "Pg::get"),
            ("<&app::Pg as app::Store>::get", "Pg::get"),
            ("<dyn app::Store as app::Get>::get", "Store::get"),
            ("<[u8] as app::Get>::get", "(u8)::get"),
            ("app::users::<impl app::Get for alloc::vec::Vec<u8>>::get", "Vec::get"),
            ("app::main::{{closure}}::convert", "main::convert"),
            ("<app::Pg as app::Store>::get::inner", "get::inner"),
            ("app::call<fn() -> alloc::vec::Vec<u8>>", "app::call"),
            ("lonely", "lonely"),
        ] {
            assert_eq!(short_name(path), name, "{path}");
        }
    }

    #[test]
    fn the_entry_function_has_the_path_of_its_cached_function() {
        fn user_entry() -> &'static str {
            sibling(name_of(&|| {}), "user_entry", "user")
        }
        let path = user_entry();
        assert!(path.ends_with("::user"), "{path}");
        assert_eq!(last_segment("a::b_entry<a::b_entry>", "b_entry"), Some((3, 10)));
    }
}
