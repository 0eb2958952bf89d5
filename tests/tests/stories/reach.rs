//! Who would be reached, who is a member, and for what there is room: asked of a hub from outside.

use fanlight_core::{
    Admission, Audience, CloseCode, CloseFrame, ConnId, Event, Membership, Message, Settings, Topic,
};

use super::bench::Bench;

/// Whom the hub lists, sorted; as many as it counts.
fn reached(bench: &Bench, audience: impl Into<Audience>) -> Vec<ConnId> {
    let audience = audience.into();
    let mut listed = bench.hub.reached_by(&audience);
    assert_eq!(listed.len(), bench.hub.reach_of(&audience));
    listed.sort();
    listed
}

fn farewell() -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: "".into() }
}

#[test]
fn everyone_is_who_is_open() {
    let mut bench = Bench::new(Settings::default());
    let (first, second) = (bench.open(), bench.open());
    let asking = bench.asking();
    assert_eq!(reached(&bench, Audience::Everyone), [first, second]);
    bench.tell(Event::Admit(asking, Admission::default()));
    bench.tell(Event::Close(first, farewell()));
    assert_eq!(reached(&bench, Audience::Everyone), [second, asking]);
}

#[test]
fn a_topic_is_its_members_and_a_user_all_its_connections() {
    let mut bench = Bench::new(Settings::default());
    let (member, other) = (bench.open(), bench.open());
    let named = bench.asking();
    bench.tell(Event::Admit(named, Admission::user("ada")));
    bench.tell(Event::Subscribe(member, Topic::new("lobby")));
    assert_eq!(reached(&bench, "lobby"), [member]);
    assert_eq!(reached(&bench, "elsewhere"), []);
    assert_eq!(reached(&bench, Topic::user("ada")), [named]);
    let membership = |conn| bench.hub.membership(conn, &Topic::new("lobby"));
    assert!(matches!(membership(member), Membership::Member(_)));
    assert_eq!(membership(other), Membership::None);
    bench.tell(Event::Kick(member, farewell()));
    assert_eq!(reached(&bench, "lobby"), []);
}

#[test]
fn a_request_awaits_one_decision() {
    let mut bench = Bench::new(Settings::default());
    let asking = bench.asking();
    assert!(bench.hub.awaits_decision(asking));
    bench.tell(Event::Admit(asking, Admission::default()));
    assert!(!bench.hub.awaits_decision(asking));
}

#[test]
fn there_is_room_up_to_half_of_an_outbox_in_bytes_and_in_number() {
    // A message of 18 bytes is a frame of 20.
    let message = Message::text("eighteen bytes, so");
    for settings in [
        Settings { outbox_bytes_max: 80, message_bytes_max: 20, ..Settings::default() },
        Settings { outbox_messages_max: 4, ..Settings::default() },
    ] {
        let mut bench = Bench::new(settings);
        let conn = bench.open();
        for _ in 0..2 {
            assert!(bench.hub.has_room_in_outbox(conn, &message));
            bench.tell(Event::Send(conn, message.clone()));
        }
        assert!(!bench.hub.has_room_in_outbox(conn, &message));
        let waiting = bench.unsent(conn).len();
        bench.tell(Event::Sent(conn, waiting));
        let longer = Message::text(&"longer than half of it".repeat(2)[..40]);
        assert!(bench.hub.has_room_in_outbox(conn, &longer), "an empty outbox takes what it can");
        bench.tell(Event::Close(conn, farewell()));
        assert!(!bench.hub.has_room_in_outbox(conn, &message));
    }
}
