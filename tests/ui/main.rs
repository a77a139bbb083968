//! What the compiler says: every misuse is told at the token at fault, with the remedy.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p larder-tests --test ui`, and read the difference.

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
