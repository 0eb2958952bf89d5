//! A run as a test that can be pasted.

use std::fmt::Write;

use super::{Op, Setup};

/// The source of a test that plays these operations: a file of its own, or the rest of one.
pub fn story(setup: Setup, ops: &[Op]) -> String {
    let mut source = String::from(
        "#[test]\n\
         fn model_and_hub_agree() {\n    \
             #[allow(unused_imports, reason = \"printed for any operations\")]\n    \
             use fanlight_tests::model::{\n        \
                 self, Arrival::*, Ask::*, Audience::*, Bounds::*, Breach::*, Decision::*,\n        \
                 Ending::*, Late::*, Name::*, Nth, Op::*, Parcels::*, Setup, Size::*, Speech::*,\n        \
                 Until::*,\n    \
             };\n    \
             model::agree(\n        ",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(source, "{setup:?},\n        &[");
    for op in ops {
        let _ = writeln!(source, "            {op:?},");
    }
    source.push_str("        ],\n    );\n}\n");
    source
}
