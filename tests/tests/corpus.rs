//! Every input that is kept for the fuzz targets, on any compiler: what has reach, and every finding.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fanlight_tests::fuzz::{TARGETS, Target};

fn fuzz(sub: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(sub)
}

/// The files of a directory, in the order of their names.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    entries.map(|entry| entry.expect("the directory is readable").path()).collect()
}

fn replay((name, target): &Target) {
    let mut inputs = files(&fuzz("corpus").join(name));
    assert!(inputs.len() > 10, "only {} inputs of {name}", inputs.len());
    // Not every target has found something.
    let findings = fuzz("findings").join(name);
    if findings.exists() {
        inputs.extend(files(&findings));
    }
    for input in inputs {
        let data = fs::read(&input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
        let played = catch_unwind(AssertUnwindSafe(|| target(&data)));
        assert!(played.is_ok(), "{name}: {input:?}");
    }
}

#[test]
fn what_was_found_is_not_found_again() {
    TARGETS.iter().for_each(replay);
}

#[test]
fn every_target_is_fuzzed_and_kept() {
    let named: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |sub: &str| -> BTreeSet<String> {
        let files = files(&fuzz(sub));
        files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named, stems("fuzz_targets"));
    assert_eq!(named, stems("corpus"));
}
