//! The laws on one hub, over whatever can happen to it.

use fanlight_tests::{laws, scenario};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/proptest-regressions/one_hub.txt"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_laws_hold_on_one_hub(scenario in scenario(1)) {
        laws::hold(&scenario).map_err(|broken| TestCaseError::fail(broken.to_string()))?;
    }
}
