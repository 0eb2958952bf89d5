//! The laws on three hubs that send each other parcels with delays.

use std::env;

use fanlight_tests::{laws, scenario};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

proptest! {
    #![proptest_config(ProptestConfig {
        // By default more than proptest's own 256: they are cheap.
        cases: env::var_os("PROPTEST_CASES").map_or(1024, |_| ProptestConfig::default().cases),
        max_shrink_iters: env::var_os("PROPTEST_MAX_SHRINK_ITERS")
            .map_or(20_000, |_| ProptestConfig::default().max_shrink_iters),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/proptest-regressions/three_hubs.txt"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_laws_hold_on_three_hubs(scenario in scenario(3)) {
        laws::hold(&scenario).map_err(|broken| TestCaseError::fail(broken.to_string()))?;
    }
}
