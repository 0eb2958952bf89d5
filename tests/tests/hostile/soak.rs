//! D11: paths that are seldom taken, many times each. A leak of a few bytes shows.

use fanlight_tests::victim::Victim;

use crate::{
    closes, frames, heads,
    peer::{Peer, SLACK},
    requests,
    room::Room,
    row::{Row, warm_up, within},
    texts,
};

const CROWD: usize = 50;
/// Over three rounds: some ten bytes for each connection.
const GROWTH_BYTES_MAX: u64 = 256 << 10;

#[test]
fn d11_no_way_to_end_leaks() {
    let victim = Victim::start("--shards 1 --message-bytes-max 64KiB");
    let rows: Vec<Row> =
        [requests::rows(), heads::rows(), frames::rows(), texts::rows(), closes::rows()]
            .into_iter()
            .flatten()
            .collect();
    warm_up(&victim);
    // Twice, so that whatever is kept for all has grown as far as it will.
    round(&victim, &rows);
    let first = round(&victim, &rows);
    round(&victim, &rows);
    round(&victim, &rows);
    let grown = round(&victim, &rows).saturating_sub(first);
    within(GROWTH_BYTES_MAX, grown).unwrap_or_else(|why| panic!("{why}, after {first}"));

    let figures = victim.figures().unwrap();
    let peers = 5 * (rows.len() * CROWD) as u64;
    assert!(figures.get("closed") >= peers, "{figures}");
    assert_eq!(figures.get("accepted"), figures.get("closed") + 1, "{figures}");
}

/// Plays each row with a crowd; what memory the server has then.
fn round(victim: &Victim, rows: &[Row]) -> u64 {
    for row in rows {
        let _room = Room::take(CROWD);
        let peers: Vec<Peer> = (0..CROWD).map(|_| row.send_whole(victim)).collect();
        for peer in peers {
            row.judge(&peer.listen()).unwrap_or_else(|why| panic!("{}: {why}", row.name));
        }
    }
    victim.empties_within(SLACK).unwrap();
    victim.resident_bytes()
}
