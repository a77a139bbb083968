//! Sizes of files and functions.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use crate::allow::AllowList;
use crate::finding::Finding;
use crate::source::Source;
use crate::tables::{MAX_FILE_LINES, MAX_FUNCTION_LINES};

/// A function with its size.
pub(crate) struct Function {
    pub(crate) name: String,
    /// The first line of its signature.
    pub(crate) line: usize,
    /// From there to the closing brace.
    pub(crate) lines: usize,
}

/// Reports files and functions that are too long and not in the list.
pub(crate) fn check(source: &Source, allowed: &mut AllowList) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.lines > MAX_FILE_LINES && !allowed.permits(&source.path) {
        findings
            .push(Finding::about(&source.path, format!("{} lines, at most {MAX_FILE_LINES}", source.lines)));
    }
    for Function { name, line, lines } in functions(source) {
        if lines > MAX_FUNCTION_LINES && !allowed.permits(&format!("{} fn {name}", source.path)) {
            let text = format!("fn {name} has {lines} lines, at most {MAX_FUNCTION_LINES}");
            findings.push(Finding::at(&source.path, line, text));
        }
    }
    findings
}

/// Returns the functions of a file, with methods and tests.
pub(crate) fn functions(source: &Source) -> Vec<Function> {
    let mut functions = Functions(Vec::new());
    functions.visit_file(&source.parse());
    functions.0
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, sig: &Signature, block: &Block) {
        let line = sig.span().start().line;
        let lines = block.brace_token.span.close().end().line + 1 - line;
        self.0.push(Function { name: sig.ident.to_string(), line, lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::lines;

    fn findings(text: &str, allowed: &'static [(&str, &str)]) -> Vec<String> {
        lines(&check(&Source::new("a.rs", text), &mut AllowList::new("LONG", allowed)))
    }

    #[test]
    fn a_file_over_the_limit_needs_an_entry() {
        let (limit, over) = ("\n".repeat(MAX_FILE_LINES), "\n".repeat(MAX_FILE_LINES + 1));
        assert!(findings(&limit, &[]).is_empty());
        assert_eq!(findings(&over, &[]), ["a.rs: 401 lines, at most 400"]);
        assert!(findings(&over, &[("a.rs", "a reason")]).is_empty());
    }

    #[test]
    fn a_function_over_the_limit_needs_an_entry_wherever_it_is() {
        let (limit, over) = ("\n".repeat(MAX_FUNCTION_LINES - 1), "\n".repeat(MAX_FUNCTION_LINES));
        assert!(findings(&format!("fn f() {{{limit}}}"), &[]).is_empty());
        let over = format!("/// Doc\n#[test]\nfn long() {{{over}}}");
        let reported = |line| [format!("a.rs:{line}: fn long has 61 lines, at most 60")];
        assert_eq!(findings(&over, &[]), reported(3));
        assert_eq!(findings(&format!("impl A {{ {over} }}"), &[]), reported(3));
        assert_eq!(findings(&format!("trait A {{ {over} }}"), &[]), reported(3));
        assert_eq!(findings(&format!("mod tests {{ {over} }}"), &[]), reported(3));
        assert!(findings(&over, &[("a.rs fn long", "a reason")]).is_empty());
    }
}
