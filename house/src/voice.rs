//! Voice: how doc comments begin, and the crate that they name.

use proc_macro2::{TokenStream, TokenTree};

use crate::finding::Finding;
use crate::source::Source;

/// Words that no doc comment begins with.
pub(crate) const FIRST_WORDS: &[&str] = &["What", "Whether", "How", "Who", "Where"];

/// Reports doc comments that begin with one of [`FIRST_WORDS`].
pub(crate) fn check_first_words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in doc_comments(source) {
        let word: String = text.trim_start().chars().take_while(|char| char.is_alphabetic()).collect();
        if FIRST_WORDS.contains(&word.as_str()) {
            findings.push(Finding::at(&source.path, line, format!("the doc comment begins with \"{word}\"")));
        }
    }
    findings
}

/// Reports lines of doc comments that show a path of the runtime, which users know as `larder`.
pub(crate) fn check_crate_name(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in doc_comments(source) {
        for (offset, shown) in text.lines().enumerate() {
            if shown.contains("larder_runtime::") && !shown.trim_start().starts_with("# ") {
                let text = "the doc comment says `larder_runtime::`, write `larder::`";
                findings.push(Finding::at(&source.path, line + offset, text));
            }
        }
    }
    findings
}

/// Returns the first line and the text of every doc comment, also of those in macros.
fn doc_comments(source: &Source) -> Vec<(usize, String)> {
    let mut comments = Vec::new();
    collect(source.tokens.clone(), &mut comments);
    comments
}

fn collect(tokens: TokenStream, comments: &mut Vec<(usize, String)>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    // The token after the last doc attribute: another one there goes on with the same comment.
    let mut open = None;
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_attribute = tokens[..at].iter().rev().take(2).any(|before| before.to_string() == "#");
        match doc_text(group.stream()).filter(|_| is_attribute) {
            Some((line, text)) => {
                let start = at - if tokens[at - 1].to_string() == "!" { 2 } else { 1 };
                match comments.last_mut().filter(|_| open == Some(start)) {
                    Some((_, comment)) => *comment = format!("{comment}\n{text}"),
                    None => comments.push((line, text)),
                }
                open = Some(at + 1);
            }
            None => collect(group.stream(), comments),
        }
    }
}

/// Returns line and text of the tokens `doc = "text"`.
fn doc_text(tokens: TokenStream) -> Option<(usize, String)> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name), _, TokenTree::Literal(text)] if name == "doc" => {
            let line = text.span().start().line;
            syn::parse_str::<syn::LitStr>(&text.to_string()).ok().map(|text| (line, text.value()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::lines;

    fn findings(text: &str) -> Vec<String> {
        let source = Source::new("a.rs", text);
        let mut findings = check_first_words(&source);
        findings.extend(check_crate_name(&source));
        lines(&findings)
    }

    #[test]
    fn first_words_are_reported_in_every_form() {
        for word in FIRST_WORDS {
            assert_eq!(
                findings(&format!("struct A {{\n/// {word} holds.\na: u8 }}")),
                [format!("a.rs:2: the doc comment begins with \"{word}\"")]
            );
        }
        assert_eq!(findings("//! How it works.").len(), 1);
        assert_eq!(findings("#[doc = \"How\"] struct A;").len(), 1);
        assert_eq!(findings("pin! { /** How */ struct A; }").len(), 1);
        assert_eq!(findings("/// What's kept.\nstruct A;\n/// Where\nstruct B;").len(), 2);
    }

    #[test]
    fn other_words_and_later_lines_may_begin_so() {
        assert_eq!(findings("/// However, Whatever.\n/// What\n///\n/// How\nstruct A;"), [""; 0]);
        assert_eq!(findings("// How\n/// `What`\nconst A: &str = \"/// What\";"), [""; 0]);
    }

    #[test]
    fn the_inner_crate_is_for_hidden_lines() {
        let text =
            "/// ```\n/// # use larder_runtime::Cache;\n/// larder_runtime::bypass();\n/// ```\nfn f() {}";
        assert_eq!(findings(text), ["a.rs:3: the doc comment says `larder_runtime::`, write `larder::`"]);
    }
}
