//! Circles: files that import each other, directly or through others.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::allow::AllowList;
use crate::arrows::Arrow;
use crate::finding::Finding;
use crate::krate::Crate;
use crate::tables::MAX_CIRCLE;

/// Reports circles of several folders or too many files, and others that are not in the list.
pub(crate) fn check(krate: &Crate, arrows: &[Arrow], allowed: &mut AllowList) -> Vec<Finding> {
    let mut findings = Vec::new();
    for circle in components(krate.files.len(), arrows) {
        let files: Vec<_> = circle.iter().map(|file| krate.files[*file].as_str()).collect();
        let folders: BTreeSet<_> = files.iter().map(|file| folder(file)).collect();
        let text = if folders.len() > 1 {
            format!("a circle of {} files in {} folders: {}", files.len(), folders.len(), files.join(" "))
        } else if files.len() > MAX_CIRCLE {
            format!("a circle of {} files: {}", files.len(), files.join(" "))
        } else if allowed.permits(&entry(krate, &files)) {
            continue;
        } else {
            format!("a circle that is not in CIRCLES: `{}`", entry(krate, &files))
        };
        findings.push(Finding::about(&krate.src, text));
    }
    findings
}

/// Returns the strongly connected components of more than one of the nodes `0..len`, the largest first. Arrows of
/// files that only re-export are left out.
pub(crate) fn components(len: usize, arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut reaches = vec![vec![false; len]; len];
    for arrow in arrows.iter().filter(|arrow| !arrow.is_reexport) {
        reaches[arrow.from][arrow.to] = true;
    }
    for via in 0..len {
        let reached = reaches[via].clone();
        for row in reaches.iter_mut().filter(|row| row[via]) {
            for (cell, reached) in row.iter_mut().zip(&reached) {
                *cell |= reached;
            }
        }
    }
    let mut circles: Vec<Vec<usize>> = (0..len)
        .map(|node| (0..len).filter(|&other| reaches[node][other] && reaches[other][node]).collect())
        // Every member finds the same circle; its first one reports it.
        .enumerate()
        .filter(|(node, circle): &(_, Vec<_>)| circle.len() > 1 && circle[0] == *node)
        .map(|(_, circle)| circle)
        .collect();
    circles.sort_by_key(|circle| Reverse(circle.len()));
    circles
}

/// Returns the line that defends this circle in the table, `folder: file file`.
fn entry(krate: &Crate, files: &[&str]) -> String {
    let mut names: Vec<_> = files.iter().map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
    names.sort_unstable();
    let folder = [&krate.src, folder(files[0])].join("/");
    format!("{}: {}", folder.trim_end_matches('/'), names.join(" "))
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrows;
    use crate::finding::lines;
    use crate::krate::fixture;

    fn findings(files: &[(&str, &str)], allowed: &'static [(&str, &str)]) -> Vec<String> {
        let krate = fixture(files);
        let mut allowed = AllowList::new("CIRCLES", allowed);
        let mut findings = check(&krate, &arrows::of(&krate), &mut allowed);
        findings.extend(allowed.check());
        lines(&findings)
    }

    const TWO: &[(&str, &str)] = &[
        ("lib.rs", "mod room;"),
        ("room/mod.rs", "mod a; mod b; pub use self::{a::A, b::B};"),
        ("room/a.rs", "use super::B; pub struct A;"),
        ("room/b.rs", "use crate::room::A; pub struct B;"),
    ];

    #[test]
    fn a_circle_of_one_folder_needs_an_entry() {
        assert_eq!(findings(TWO, &[]), ["src: a circle that is not in CIRCLES: `src/room: a b`"]);
        assert!(findings(TWO, &[("src/room: a b", "a reason")]).is_empty());
        assert_eq!(
            findings(TWO, &[("src/room: a b", "")]),
            ["house/src/tables.rs CIRCLES: `src/room: a b` has no reason"]
        );
    }

    #[test]
    fn real_items_make_a_contents_page_part_of_a_circle() {
        let mut files = TWO.to_vec();
        files[1].1 = "mod a; mod b; pub use self::{a::A, b::B}; pub struct C(A);";
        files[3].1 = "use super::C; pub struct B;";
        assert_eq!(findings(&files, &[]), ["src: a circle that is not in CIRCLES: `src/room: a b mod`"]);
    }

    #[test]
    fn no_entry_permits_two_folders() {
        let files = [
            ("lib.rs", "mod a; mod room;"),
            ("a.rs", "pub struct A(crate::room::B);"),
            ("room/mod.rs", "mod b; pub use self::b::B;"),
            ("room/b.rs", "use crate::a::A; pub struct B;"),
        ];
        assert_eq!(findings(&files, &[]), ["src: a circle of 2 files in 2 folders: a room/b"]);
    }

    #[test]
    fn no_entry_permits_five_files() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
            ("a.rs", "pub struct A(crate::b::B);"),
            ("b.rs", "pub struct B(crate::c::C);"),
            ("c.rs", "pub struct C(crate::d::D);"),
            ("d.rs", "pub struct D(crate::e::E);"),
            ("e.rs", "pub struct E(crate::a::A);"),
        ];
        assert_eq!(findings(&files, &[]), ["src: a circle of 5 files: a b c d e"]);
    }
}
