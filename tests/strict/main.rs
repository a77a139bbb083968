//! Separate packages: with lints, without the prelude, under another name of the dependency, and with `log` for `tracing`.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a cargo command on a package in this folder, fails with its output, and returns it.
fn cargo(package: &str, command: &[&str], flags: &[&str]) -> Output {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("strict").join(package).join("Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strict");
    let output = Command::new(env!("CARGO"))
        .args(command)
        .arg("--quiet")
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(target)
        .args(flags)
        // The settings of the surrounding run are not meant for this one.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("no such command: `clippy`"),
        "install clippy (rustup component add clippy)\n{said}"
    );
    assert!(output.status.success(), "{package}: cargo {} says\n{said}", command.join(" "));
    output
}

#[test]
fn generated_code_is_clean_under_every_lint() {
    cargo("lints", &["clippy"], &["--", "-D", "warnings"]);
}

#[test]
fn generated_code_needs_no_prelude() {
    cargo("no_prelude", &["check"], &[]);
}

#[test]
fn the_dependency_can_have_another_name() {
    cargo("renamed", &["check"], &[]);
}

/// Warnings are records, and are not written to standard error as well.
#[test]
fn events_are_records_of_programs_that_log_with_log() {
    let output = cargo("records", &["run"], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("larder:"), "{said}");
}
