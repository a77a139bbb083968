//! What the compiler says: every misuse is told at the token at fault, with the remedy.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test --all-features --test ui`, and read the difference.

// The compiler lists what implements a trait, and that differs with the features.
#![cfg(all(feature = "axum", feature = "chrono", feature = "lz4", feature = "macros", feature = "redis"))]

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
