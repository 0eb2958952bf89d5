//! Builds what a test starts, so that it is never an old one.

use std::{env, path::PathBuf, process::Command};

/// Builds these targets of a package, in the profile of the test that asks. Where they are then.
///
/// # Panics
///
/// If they do not build.
pub fn build(package: &str, targets: &[&str]) -> PathBuf {
    // A test is at TARGET/PROFILE/deps/NAME.
    let test = env::current_exe().expect("a test has a file");
    let profile_dir = test.ancestors().nth(2).expect("tests are built in a directory");
    let target_dir = profile_dir.parent().expect("profiles are built in a directory");
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", package, "--profile", profile])
        .args(targets)
        .arg("--target-dir")
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("whatever built the test can be run again");
    assert!(built.success(), "{package} does not build");
    profile_dir.to_owned()
}
