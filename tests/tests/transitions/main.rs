//! Every state of a connection against everything that can happen to it.
//!
//! What comes of each is pinned in `table.txt`, and the diagram in `ARCHITECTURE.md` is made of
//! it. `UPDATE_EXPECT=1 cargo test -p fanlight-tests --test transitions` renews both; what has
//! changed is then to be read before it is believed.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod diagram;
mod event;
mod frame;
mod outcome;
mod state;
mod subject;
mod table;

use expect_test::expect_file;

#[test]
fn the_table_is_as_pinned() {
    expect_file!["./table.txt"].assert_eq(&table::render());
}

#[test]
fn the_diagram_in_the_architecture_is_what_the_hub_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(diagram::BEGIN).expect("where it begins");
    let (_, after) = rest.split_once(diagram::END).expect("where it ends");
    let renewed = format!("{before}{}{}{}{after}", diagram::BEGIN, diagram::render(), diagram::END);
    expect_file![path].assert_eq(&renewed);
}

#[test]
fn what_is_asked_from_another_shard_is_answered_as_here() {
    for state in state::ALL {
        for happening in event::ALL.iter().filter(|happening| happening.is_asked) {
            let here = outcome::Outcome::of(state, happening, false);
            let afar = outcome::Outcome::of(state, happening, true);
            assert_eq!(here, afar, "{} in {}", happening.name, state.name);
        }
    }
}
