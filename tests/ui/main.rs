//! Compiler messages: every misuse is an error at the wrong token, with the remedy.
//!
//! After a change of wording run `TRYBUILD=overwrite cargo test -p larder-tests --test ui`, and read the difference.

#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
