//! An open connection that is idle owns no heap buffer for reading, writing or inflating, also after
//! it has carried 1 MiB: counted by the allocator.

use std::io::IoSlice;

use allocation_counter::{AllocationInfo, measure};
use fanlight_core::{
    Admission, Arrival, Command, Commands, Config, ConnId, Event, Hub, Instant, Message,
    Negotiated, PeerAddr, Seat, Settings,
    wire::{Deflater, Incoming, Inflater, Limits, Role, Wire},
};
use fanlight_tests::agreed;

/// As many bytes as a driver reads at once.
const READ_BYTES: usize = 16 << 10;
const DEFLATER: Deflater = Deflater { level: 6, bytes_min: 0 };

/// 1 MiB of text that deflate can shorten.
fn megabyte() -> Message {
    Message::text(&"fanlight ".chars().cycle().take(1 << 20).collect::<String>())
}

fn wire(role: Role) -> Wire {
    let mut wire = Wire::new(role, Limits::default());
    wire.set_deflate(Some(agreed(15)));
    wire
}

/// What a client says to a server, as it is and compressed.
fn said_by_a_client() -> [Vec<u8>; 2] {
    let mut client = wire(Role::Client { mask_seed: [1; 32] });
    let (mut plain, mut deflated) = (Vec::new(), Vec::new());
    assert!(client.send(&megabyte(), &mut plain));
    assert!(client.send_deflated(&megabyte(), DEFLATER, &mut deflated));
    assert!(deflated.len() < plain.len() / 100);
    [plain, deflated]
}

fn holds_nothing_more(after: &AllocationInfo) {
    assert!(after.count_total > 0, "it was counted");
    assert_eq!((after.count_current, after.bytes_current), (0, 0), "{after:?}");
}

#[test]
fn a_servers_wire_is_made_of_nothing() {
    let agreed = agreed(15);
    let mut wire = None;
    let made = measure(|| {
        let mut new = Wire::new(Role::Server, Limits::default());
        new.set_deflate(Some(agreed));
        wire = Some(new);
    });
    assert_eq!(made.count_total, 0, "{made:?}");
}

#[test]
fn a_wire_holds_nothing_after_a_megabyte_in_and_out() {
    for mut bytes in said_by_a_client() {
        let mut server = wire(Role::Server);
        let carried = measure(|| {
            let mut heard = 0;
            for piece in bytes.chunks_mut(READ_BYTES) {
                let outcome = server.receive(piece, &mut |incoming| {
                    heard += usize::from(matches!(incoming, Incoming::Message(_)));
                });
                assert_eq!(outcome, Ok(()));
            }
            assert_eq!(heard, 1);
            assert!(server.send(&megabyte(), &mut Vec::new()));
            assert!(server.send_deflated(&megabyte(), DEFLATER, &mut Vec::new()));
        });
        holds_nothing_more(&carried);
        assert_eq!(server.assembly_bytes(), 0);
    }
}

#[test]
fn a_clients_wire_holds_its_masks_and_nothing_more() {
    let mut server = wire(Role::Server);
    let mut bytes = Vec::new();
    assert!(server.send_deflated(&megabyte(), DEFLATER, &mut bytes));
    let mut client = None;
    let made = measure(|| client = Some(wire(Role::Client { mask_seed: [1; 32] })));
    let mut client = client.expect("it was made");
    assert!(made.count_current <= 1 && made.bytes_current < 1024, "{made:?}");
    let carried = measure(|| {
        for piece in bytes.chunks_mut(READ_BYTES) {
            assert_eq!(client.receive(piece, &mut |_| {}), Ok(()));
        }
        assert!(client.send(&megabyte(), &mut Vec::new()));
    });
    holds_nothing_more(&carried);
}

/// A hub, and what it wanted in this turn.
struct Bench {
    hub: Hub,
    commands: Commands,
}

impl Bench {
    fn new() -> Self {
        let settings = Settings {
            deflate_level: 6,
            deflate_bytes_min: 0,
            outbox_bytes_max: 4 << 20,
            ..Settings::default()
        };
        let config = Config::new(settings).expect("it is within its ranges");
        Self { hub: Hub::new(config, Seat::alone(7)), commands: Commands::default() }
    }

    fn open(&mut self) -> ConnId {
        let negotiated = Negotiated { admission: Admission::default(), deflate: Some(agreed(15)) };
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new());
        let conn = self.hub.accept(Instant::ZERO, arrival, &mut self.commands);
        self.end_turn();
        conn.expect("there is room")
    }

    fn tell(&mut self, event: Event<'_>) {
        self.hub.handle(Instant::ZERO, event, &mut self.commands);
    }

    /// Forgets what it wanted, and the room for it.
    fn end_turn(&mut self) {
        self.commands = Commands::default();
    }

    /// The peer says the message, it is delivered, sent back, and taken by the socket.
    fn carry(&mut self, conn: ConnId, said: &[u8]) {
        let mut echo = None;
        for piece in said.chunks(READ_BYTES) {
            self.tell(Event::Received(conn, &mut piece.to_vec()));
            for command in self.commands.others.drain(..) {
                if let Command::Deliver(_, message) = command {
                    echo = Some(message);
                }
            }
        }
        self.tell(Event::Send(conn, echo.expect("it was said")));
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = self.hub.unsent(conn, &mut slices);
            let sent = slices[..filled].iter().map(|slice| slice.len()).sum();
            if sent == 0 {
                break;
            }
            self.tell(Event::Sent(conn, sent));
        }
        self.end_turn();
    }
}

#[test]
fn a_connection_of_a_hub_holds_nothing_after_a_megabyte() {
    for said in said_by_a_client() {
        let mut bench = Bench::new();
        let (first, second) = (bench.open(), bench.open());
        // What all connections of a hub share has grown to its size with the first.
        bench.carry(first, &said);
        let carried = measure(|| bench.carry(second, &said));
        holds_nothing_more(&carried);
    }
}

#[test]
fn an_open_connection_of_a_hub_is_its_slot_and_nothing_more() {
    const CONNECTIONS: i64 = 1_000;
    let agreed = agreed(15);
    let mut bench = Bench::new();
    let opened = measure(|| {
        for _ in 0..CONNECTIONS {
            let negotiated = Negotiated { admission: Admission::default(), deflate: Some(agreed) };
            let arrival = Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new());
            bench.hub.accept(Instant::ZERO, arrival, &mut bench.commands).expect("there is room");
            bench.end_turn();
        }
    });
    // Tables grow by doubling; no connection has an allocation of its own.
    assert!(opened.count_current < 100, "{opened:?}");
    assert!(opened.bytes_current < CONNECTIONS * 1024, "{opened:?}");
}

#[test]
fn what_all_connections_share_to_inflate_is_one_window_and_its_tables() {
    let mut inflater = Inflater::default();
    let [_, said] = said_by_a_client();
    for bound in [48 << 10, 0] {
        let mut server = wire(Role::Server);
        let inflated = measure(|| {
            let mut heard = 0;
            let outcome =
                server.receive_with(&mut inflater, &mut said.clone(), &mut |_| heard += 1);
            assert_eq!((outcome, heard), (Ok(said.len()), 1));
        });
        assert!(inflated.count_total > 0, "it was counted");
        assert!((0..=bound).contains(&inflated.bytes_current), "{inflated:?}");
    }
}
