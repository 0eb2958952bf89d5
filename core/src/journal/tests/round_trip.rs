use std::{
    net::{Ipv6Addr, SocketAddr, SocketAddrV6},
    time::Duration,
};

use proptest::prelude::*;

use crate::{
    Admission, Arrival, Audience, CloseFrame, ConnId, Drain, End, Event, Instant, Message, Parcel,
    PeerAddr, Publish, Refusal, Seq, ShardId, Timer, Topic,
    hub::{Asked, Content, Credit},
    journal::{
        encoding::{Decode, Encode, Source},
        input::Input,
    },
    wire::{Deflate, Negotiated, Subprotocol},
};

fn conn() -> impl Strategy<Value = ConnId> {
    (1..u64::MAX).prop_map(|id| ConnId::from_u64(id).unwrap())
}

fn topic() -> impl Strategy<Value = Topic> {
    (any::<bool>(), any::<String>())
        .prop_map(|(is_user, name)| if is_user { Topic::user(name) } else { Topic::new(name) })
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![Just(Audience::Everyone), topic().prop_map(Audience::Topic)]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any::<String>().prop_map(|text| Message::text(&text)),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Message::binary(&bytes)),
    ]
}

fn close_frame() -> impl Strategy<Value = CloseFrame> {
    (any::<u16>(), any::<String>())
        .prop_map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() })
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let headers = prop::collection::vec(("[a-c]{1,2}", "[ -~]{0,9}"), 0..4);
    (200_u16..600, headers, any::<Option<Vec<u8>>>()).prop_map(|(status, headers, body)| {
        let mut refusal = Refusal::new(status).unwrap();
        for (name, value) in headers {
            refusal = refusal.header(&name, &value).unwrap();
        }
        match body {
            Some(body) if ![204, 205, 304].contains(&status) => {
                refusal.body("text/plain", body).unwrap()
            }
            _ => refusal,
        }
    })
}

fn admission() -> impl Strategy<Value = Admission> {
    let subprotocol = prop::option::of("[a-z.]{1,9}");
    (subprotocol, prop::option::of(topic()), any::<bool>()).prop_map(
        |(subprotocol, user, never_deflate)| Admission {
            subprotocol: subprotocol.map(|name| Subprotocol::recorded(&name).unwrap()),
            user,
            never_deflate,
        },
    )
}

fn at() -> impl Strategy<Value = Option<Instant>> {
    any::<Option<u64>>().prop_map(|nanos| nanos.map(Instant::from_nanos))
}

fn timer() -> impl Strategy<Value = Timer> {
    prop_oneof![Just(Timer::Shard), conn().prop_map(Timer::Connection)]
}

fn peer() -> impl Strategy<Value = PeerAddr> {
    let v6 = (any::<u128>(), any::<u16>(), any::<u32>(), any::<u32>());
    prop_oneof![
        Just(PeerAddr::Unnamed),
        (any::<[u8; 4]>(), any::<u16>()).prop_map(|to| PeerAddr::Inet(SocketAddr::from(to))),
        v6.prop_map(|(ip, port, flowinfo, scope)| {
            let ip = Ipv6Addr::from(ip);
            PeerAddr::Inet(SocketAddrV6::new(ip, port, flowinfo, scope).into())
        }),
    ]
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        peer().prop_map(Arrival::Fresh),
        (peer(), admission(), prop::option::of(9..=15_u8), any::<Vec<u8>>()).prop_map(
            |(peer, admission, window_bits, read)| {
                let deflate = window_bits.and_then(Deflate::recorded);
                Arrival::Upgraded(peer, Negotiated { admission, deflate }, read)
            }
        ),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        admission().prop_map(Asked::Admit),
        refusal().prop_map(Asked::Refuse),
        topic().prop_map(Asked::Subscribe),
        topic().prop_map(Asked::Unsubscribe),
        message().prop_map(Asked::Send),
        close_frame().prop_map(Asked::Close),
        close_frame().prop_map(Asked::Kick),
        at().prop_map(Asked::SetTimer),
        Just(Asked::Pause),
        Just(Asked::Resume),
    ]
}

fn parcel() -> impl Strategy<Value = Parcel> {
    let except = || prop::option::of(conn());
    let seq = || any::<u64>().prop_map(Seq);
    let credit = (any::<usize>(), any::<usize>());
    prop_oneof![
        (audience(), message(), except())
            .prop_map(|(audience, message, except)| Content::Publish { audience, message, except }),
        (audience(), seq(), message(), except()).prop_map(|(audience, seq, message, except)| {
            Content::Deliver { audience, seq, message, except }
        }),
        topic().prop_map(Content::Join),
        (topic(), prop::option::of(seq())).prop_map(|(topic, seq)| Content::Joined(topic, seq)),
        topic().prop_map(Content::Leave),
        credit.prop_map(|(publish, deliver)| Content::Credit(Credit { publish, deliver })),
        (conn(), asked()).prop_map(|(conn, asked)| Content::Asked(conn, Box::new(asked))),
    ]
    .prop_map(Parcel)
}

fn drain() -> impl Strategy<Value = Drain> {
    let time = || any::<Duration>();
    (time(), time(), close_frame()).prop_map(|(over, timeout, farewell)| Drain {
        over,
        timeout,
        farewell,
    })
}

/// Every event but the one that borrows its bytes.
fn event() -> impl Strategy<Value = Event<'static>> {
    let publish = (audience(), message(), prop::option::of(conn()));
    prop_oneof![
        (conn(), any::<usize>()).prop_map(|(conn, count)| Event::Sent(conn, count)),
        conn().prop_map(|conn| Event::Ended(conn, End::Eof)),
        conn().prop_map(|conn| Event::Ended(conn, End::Failed)),
        prop::option::of(conn()).prop_map(Event::Panicked),
        (conn(), admission()).prop_map(|(conn, admission)| Event::Admit(conn, admission)),
        (conn(), refusal()).prop_map(|(conn, refusal)| Event::Refuse(conn, refusal)),
        (conn(), topic()).prop_map(|(conn, topic)| Event::Subscribe(conn, topic)),
        (conn(), topic()).prop_map(|(conn, topic)| Event::Unsubscribe(conn, topic)),
        (conn(), message()).prop_map(|(conn, message)| Event::Send(conn, message)),
        publish.prop_map(|(audience, message, except)| {
            Event::Publish(Publish { audience, message, except })
        }),
        conn().prop_map(Event::AwaitCredit),
        (conn(), close_frame()).prop_map(|(conn, frame)| Event::Close(conn, frame)),
        (conn(), close_frame()).prop_map(|(conn, frame)| Event::Kick(conn, frame)),
        conn().prop_map(Event::Pause),
        conn().prop_map(Event::Resume),
        (timer(), at()).prop_map(|(timer, at)| Event::SetTimer(timer, at)),
        drain().prop_map(Event::Drain),
        (any::<u8>(), parcel()).prop_map(|(from, parcel)| Event::Parcel(ShardId(from), parcel)),
        Just(()).prop_map(|()| Event::Tick),
    ]
}

/// Encodes, decodes, and compares what can be seen.
fn comes_back(tag: u8, value: &(impl Encode + std::fmt::Debug), shown: &str) {
    let mut bytes = vec![tag];
    value.encode(&mut bytes);
    let mut again = bytes.clone();
    let mut source = Source::new(&mut again);
    let decoded = Input::decode(&mut source).unwrap();
    assert_eq!(source.len(), 0);
    assert_eq!(format!("{decoded:?}"), shown);
    let mut reencoded = vec![tag];
    match &decoded {
        Input::Accept(arrival) => arrival.encode(&mut reencoded),
        Input::Drawn => {}
        Input::Event(event) => event.encode(&mut reencoded),
    }
    assert_eq!(reencoded, bytes);
}

proptest! {
    #[test]
    fn an_event_comes_back(event in event()) {
        let shown = format!("Event({event:?})");
        comes_back(super::super::input::EVENT, &event, &shown);
    }

    #[test]
    fn what_was_received_comes_back(conn in conn(), mut bytes: Vec<u8>) {
        let event = Event::Received(conn, &mut bytes);
        let shown = format!("Event({event:?})");
        comes_back(super::super::input::EVENT, &event, &shown);
    }

    #[test]
    fn an_arrival_comes_back(arrival in arrival()) {
        let shown = format!("Accept({arrival:?})");
        comes_back(super::super::input::ACCEPT, &arrival, &shown);
    }
}
