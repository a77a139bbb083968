//! Words: one meaning per type name in a crate.

use std::collections::BTreeMap;

use crate::allow::AllowList;
use crate::finding::Finding;
use crate::item;
use crate::krate::Crate;
use crate::tables::MAX_REPEATED_NAMES;

/// Reports names of several types that are not in the list.
pub(crate) fn check(krate: &Crate, allowed: &mut AllowList) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, places) in repeated(krate) {
        if !allowed.permits(&format!("{}: {name}", krate.src)) {
            let (file, line) = places[0];
            let others: Vec<_> =
                places[1..].iter().map(|(file, line)| format!("{}:{line}", krate.path(*file))).collect();
            let text = format!("the type name `{name}` is also at {}", others.join(" and "));
            findings.push(Finding::at(krate.path(file), line, text));
        }
    }
    findings
}

/// Reports a list of exceptions that has become too long.
pub(crate) fn check_list(allowed: &[(&str, &str)]) -> Option<Finding> {
    (allowed.len() > MAX_REPEATED_NAMES).then(|| {
        let text = format!("{} entries, at most {MAX_REPEATED_NAMES} are allowed", allowed.len());
        Finding::about("house/src/tables.rs REPEATED_NAMES", text)
    })
}

/// Returns the names of types that several modules define, with file and line of each. Types of one name in one
/// module exclude each other by `cfg` and count once.
pub(crate) fn repeated(krate: &Crate) -> BTreeMap<String, Vec<(usize, usize)>> {
    let mut names = BTreeMap::<String, BTreeMap<usize, (usize, usize)>>::new();
    for (index, module) in krate.modules.iter().enumerate() {
        for declared in module.items.iter().flat_map(item::declared).filter(|declared| declared.is_type) {
            let place = (module.file, declared.ident.span().start().line);
            names.entry(declared.ident.to_string()).or_default().entry(index).or_insert(place);
        }
    }
    let names = names.into_iter().filter(|(_, places)| places.len() > 1);
    names.map(|(name, places)| (name, places.into_values().collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::lines;
    use crate::krate::fixture;

    fn findings(allowed: &'static [(&str, &str)]) -> Vec<String> {
        let krate = fixture(&[
            ("lib.rs", "mod a;\nmod b;\n#[cfg(unix)] struct Twin;\n#[cfg(not(unix))] type Twin = u8;"),
            ("a.rs", "struct Place; trait Assoc { type Place; } fn f() { struct Local; }"),
            ("b.rs", "enum Local {}\n#[cfg(test)] mod tests { struct Local; }\npin! { pub struct Place {} }"),
        ]);
        let mut allowed = AllowList::new("REPEATED_NAMES", allowed);
        let mut findings = check(&krate, &mut allowed);
        findings.extend(allowed.check());
        lines(&findings)
    }

    #[test]
    fn a_repeated_name_needs_an_entry() {
        assert_eq!(findings(&[]), ["src/a.rs:1: the type name `Place` is also at src/b.rs:3"]);
        assert!(findings(&[("src: Place", "a reason")]).is_empty());
        assert_eq!(findings(&[("src: Place", "a reason"), ("src: Twin", "a reason")]).len(), 1);
    }

    #[test]
    fn the_list_has_a_bound() {
        assert!(check_list(&[("src: A", "a reason"); MAX_REPEATED_NAMES]).is_none());
        assert!(check_list(&[("src: A", "a reason"); MAX_REPEATED_NAMES + 1]).is_some());
    }
}
