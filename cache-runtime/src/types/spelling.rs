//! Spelling: the names that a text may have meant.

/// Returns those of `names` that differ from `text` by at most two characters or only before their last segment, at most five.
pub(crate) fn near<'n>(text: &str, names: &[&'n str]) -> Vec<&'n str> {
    let is_near = |name: &&&str| {
        let (name, text) = (name.to_lowercase(), text.to_lowercase());
        let most = if text.len() > 3 { 2 } else { 1 };
        last(&name) == last(&text)
            || distance(&name, &text) <= most
            || distance(last(&name), last(&text)) <= most
    };
    names.iter().filter(is_near).take(5).copied().collect()
}

/// The segment after the last `::` or `.`.
fn last(name: &str) -> &str {
    name.rsplit([':', '.']).next().unwrap_or(name)
}

/// The number of characters to insert, remove, replace or swap with their neighbor that makes one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[i - 2][j - 2] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_that_are_near() {
        let names = ["handle", "shop::product", "shop::user", "users.get", "Repo::load"];
        for (text, expected) in [
            ("prodcut", &["shop::product"][..]),
            ("Product", &["shop::product"]),
            ("api::user", &["shop::user"]),
            ("user.get", &["users.get"]),
            ("get", &["users.get"]),
            ("Handel", &["handle"]),
            ("orders", &[]),
            ("", &[]),
        ] {
            assert_eq!(near(text, &names), expected, "{text}");
        }
    }
}
