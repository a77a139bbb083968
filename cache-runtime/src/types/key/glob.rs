//! Globs with the semantics of Redis, so that a pattern matches the same keys in every store.

use std::ops::ControlFlow;

/// Escapes the special characters of globs, so that the text matches only itself.
pub(crate) fn escape_glob(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Returns `true` when `text` matches `pattern` by the rules of Redis: `*`, `?` (one byte), `[abc]`, `[^a]`, `[a-z]` and
/// `\x`.
///
/// A port of `stringmatchlen` of Redis 7 with its quirks (an unclosed class ends with the pattern, and a reversed range is
/// swapped) and without its recursion: everything but `*` matches exactly one byte, so backtracking to the last `*` is
/// enough, and the time is at most the product of the two lengths.
pub(crate) fn glob_match(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    if pattern == b"*" {
        return true;
    }
    if text.is_empty() {
        // Redis does not read the pattern then: `**` does not match the empty key.
        return pattern.is_empty();
    }
    let mut at = 0;
    let mut here = 0;
    let mut retry = None;
    while here < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, here));
            continue;
        }
        if let Some(after) = step(pattern, at, text[here]) {
            at = after;
            here += 1;
            continue;
        }
        let Some((after_star, from)) = retry else {
            return false;
        };
        // Extend the match of the last `*` by one byte.
        at = after_star;
        here = from + 1;
        retry = Some((after_star, here));
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Matches `byte` against the element of `pattern` at `at`, which is not `*`. Returns the position of the next element.
fn step(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    let matched = |literal: u8, after: usize| (literal == byte).then_some(after);
    match pattern.get(at..)? {
        [] => None,
        [b'?', ..] => Some(at + 1),
        [b'[', ..] => class(pattern, at + 1, byte),
        [b'\\', literal, ..] => matched(*literal, at + 2),
        [literal, ..] => matched(*literal, at + 1),
    }
}

/// Matches `byte` against the class whose first member is at `at`. Returns the position after the class.
fn class(pattern: &[u8], mut at: usize, byte: u8) -> Option<usize> {
    let not = pattern.get(at) == Some(&b'^');
    at += usize::from(not);
    let mut matched = false;
    loop {
        let member = member(pattern, at, byte);
        match member {
            ControlFlow::Continue((hit, after)) => {
                matched |= hit;
                at = after;
            }
            ControlFlow::Break(after) => return (matched != not).then_some(after),
        }
    }
}

/// Matches `byte` against one member of a class. Continues with the result and the next position; breaks with the position
/// after the class at its end.
fn member(pattern: &[u8], at: usize, byte: u8) -> ControlFlow<usize, (bool, usize)> {
    match pattern.get(at..).unwrap_or_default() {
        [] => ControlFlow::Break(pattern.len()),
        [b'\\', literal, ..] => ControlFlow::Continue((*literal == byte, at + 2)),
        [b']', ..] => ControlFlow::Break(at + 1),
        [start, b'-', end, ..] => {
            // Redis compares `char`s, which are signed on its platforms.
            let (start, end, byte) = (start.cast_signed(), end.cast_signed(), byte.cast_signed());
            let range = start.min(end)..=start.max(end);
            ControlFlow::Continue((range.contains(&byte), at + 3))
        }
        [literal, ..] => ControlFlow::Continue((*literal == byte, at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    /// Results of `KEYS pattern` of a Redis 7.0.15 that held only the key `text`.
    const REDIS: &[(&str, &str, bool)] = &[
        ("*", "abc", true),
        ("*", "", true),
        ("**", "", false),
        ("", "a", false),
        ("", "", true),
        ("a*", "", false),
        ("?", "", false),
        ("[^a]", "", false),
        ("**", "abc", true),
        ("a*", "abc", true),
        ("a*", "bac", false),
        ("*c", "abc", true),
        ("*b*", "abc", true),
        ("a*c", "abc", true),
        ("a*c", "abcd", false),
        ("a*c*", "abcd", true),
        ("a**", "a", true),
        ("a?", "a", false),
        ("a?c", "abc", true),
        ("a?c", "abbc", false),
        ("??", "é", true),
        ("?", "é", false),
        ("*é*", "caféx", true),
        ("[abc]", "b", true),
        ("[abc]", "d", false),
        ("[^abc]", "d", true),
        ("[^abc]", "a", false),
        ("[a-c]", "b", true),
        ("[c-a]", "b", true),
        ("[c-a]", "d", false),
        ("[a-]", "a", true),
        ("[a-]", "-", false),
        ("[a-", "-", true),
        ("[a-]", "]", true),
        ("[a-]", "^", true),
        ("[-a]", "-", true),
        ("[]", "]", false),
        ("[]]", "]", false),
        ("[^]", "a", true),
        ("[^]", "^", true),
        ("[^", "a", true),
        ("[^", "^", true),
        ("[", "[", false),
        ("[a", "a", true),
        ("[a", "b", false),
        ("[ab", "b", true),
        ("[abc*", "ab", false),
        ("[^a", "b", true),
        ("a[", "a[", false),
        ("a[", "a", false),
        ("[]a]", "a]", false),
        ("[\\]]", "]", true),
        ("[\\]", "]", true),
        ("[\\]", "\\", false),
        ("[\\", "\\", true),
        ("[\\-]", "-", true),
        ("[a\\-z]", "b", false),
        ("[a\\-z]", "-", true),
        ("[\\^a]", "^", true),
        ("[a^]", "^", true),
        ("[a-\\]]", "]", false),
        ("[a-\\]]", "x]", false),
        ("[*]", "*", true),
        ("[*]", "a", false),
        ("[?]", "?", true),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("\\", "\\", true),
        ("\\\\", "\\", true),
        ("a\\", "a\\", true),
        ("\\a", "a", true),
        ("\\[a]", "[a]", true),
        ("*\\**", "a*b", true),
        ("*\\**", "ab", false),
        ("*[0-9]", "user:7", true),
        ("*[0-9]", "user:x", false),
        ("user:?*", "user:", false),
        ("user:?*", "user:1", true),
        ("user:1*", "user:10", true),
        ("*a*b*c*", "xaxbxcx", true),
        ("*a*b*c*", "xaxcxbx", false),
        ("a*a*b", "aab", true),
        ("a*a*b", "ab", false),
        ("*ab", "aab", true),
        ("*aab", "aaab", true),
        ("h[ae]llo", "hallo", true),
        ("h[^e]llo", "hello", false),
        ("[a-é]", "b", false),
        ("[a-é]", "B", true),
        ("[é]é", "é", false),
        ("*[a-c]?d", "xxbzd", true),
        ("A", "a", false),
        ("[A-Z]", "a", false),
        ("*:", "a:", true),
        ("a*]", "ab]", true),
        ("a]", "a]", true),
        ("a-c", "b", false),
        ("a-c", "a-c", true),
        ("^a", "^a", true),
    ];

    #[test]
    fn same_as_redis() {
        for &(pattern, text, answer) in REDIS {
            assert_eq!(glob_match(pattern, text), answer, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn time_is_not_exponential() {
        let started = Instant::now();
        let pattern = "a*".repeat(60) + "b";
        assert!(!glob_match(&pattern, &"a".repeat(10_000)));
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    proptest! {
        #[test]
        fn escaped_matches_itself_only(text in "[ab*?\\[\\]^\\\\é-]{1,8}", other in "[ab*?\\[\\]^\\\\é-]{1,8}") {
            let pattern = escape_glob(&text);
            prop_assert!(glob_match(&pattern, &text));
            prop_assert_eq!(glob_match(&pattern, &other), text == other);
            let around = format!("*{pattern}*");
            prop_assert_eq!(glob_match(&around, &other), other.contains(&text));
        }

        #[test]
        fn never_panics(pattern in "[ab*?\\[\\]^\\\\é-]{0,12}", text in "[ab*?\\[\\]^\\\\é-]{0,12}") {
            glob_match(&pattern, &text);
        }
    }
}
