//! What is asked through a handle, and when it is answered.

use std::{pin::pin, thread, time::Duration};

use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, ConnId, Message, PeerAddr, Seq, Settings, ShardId,
    Topic,
};
use fanlight_driver::{Answer, Handle, HandleError};
use futures_lite::future::{block_on, poll_once};

use crate::{
    pipe::Pipe,
    stage::{Stage, answer, frame, now},
};

/// A topic and a connection whose home and shard are not the same, of a house of two shards.
fn apart(stage: &mut Stage) -> (Pipe, ConnId, Topic, ShardId) {
    let pipe = stage.open_pipe();
    let conn = stage.newest();
    let topic = (0..100).map(|number| Topic::new(number.to_string())).find(|topic| {
        // Whose own shard has to ask another one is no member at once.
        let joining = stage.handle.subscribe(conn, topic).now().unwrap();
        stage.settle_only(conn.shard());
        let is_apart = now(joining.into_future()).is_none();
        stage.settle();
        stage.handle.unsubscribe(conn, topic).now().unwrap();
        stage.settle();
        is_apart
    });
    let home = ShardId(1 - conn.shard().0);
    (pipe, conn, topic.unwrap(), home)
}

/// Takes an answer that may not have come.
fn peek<T>(answer: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    block_on(poll_once(answer))
}

fn count(answer: Answer<usize>) -> usize {
    now(answer.into_future()).unwrap().unwrap()
}

#[test]
fn a_subscription_is_answered_when_the_connection_is_a_member() {
    let mut stage = Stage::new(2, Settings::default());
    let (pipe, conn, topic, home) = apart(&mut stage);
    let mut joining = pin!(stage.handle.subscribe(conn, &topic));
    assert_eq!(peek(&mut joining), None);
    stage.settle_only(conn.shard());
    assert_eq!(peek(&mut joining), None, "its home has not answered");
    stage.settle_only(home);
    assert_eq!(peek(&mut joining), None, "its shard has not heard");
    stage.settle();
    assert!(matches!(peek(&mut joining), Some(Ok(Seq(_)))));

    stage.handle.publish(&topic, "for a member".into()).now().unwrap();
    stage.settle();
    assert_eq!(pipe.ends().output, answer("for a member"));
    let again = stage.handle.subscribe(conn, &topic).now().unwrap();
    stage.settle_only(conn.shard());
    assert_eq!(now(again.into_future()), Some(Ok(Seq(1))), "a member is answered at once");
}

#[test]
fn a_subscription_that_does_not_come_to_be_says_why() {
    let mut stage = Stage::new(2, Settings::default());
    let (pipe, conn, topic, _) = apart(&mut stage);
    let nameless = stage.handle.subscribe(conn, "");
    assert_eq!(stage.ask(nameless), Err(HandleError::SubscriptionRefused));

    let ended = stage.handle.subscribe(conn, &topic).now().unwrap();
    stage.handle.unsubscribe(conn, &topic).now().unwrap();
    stage.settle_only(conn.shard());
    assert_eq!(now(ended.into_future()), Some(Err(HandleError::SubscriptionRefused)));

    let gone = stage.handle.subscribe(conn, &topic).now().unwrap();
    stage.settle_only(conn.shard());
    pipe.ends().is_eof = true;
    pipe.give(b"");
    stage.settle_only(conn.shard());
    assert_eq!(now(gone.into_future()), Some(Err(HandleError::Gone)));
    let too_late = stage.handle.subscribe(conn, &topic);
    assert_eq!(stage.ask(too_late), Err(HandleError::Gone));
    stage.settle();
}

#[test]
fn who_is_reached_is_listed_and_counted_over_all_shards() {
    let mut stage = Stage::new(3, Settings::default());
    let pipes: Vec<_> = (0..7).map(|_| stage.open_pipe()).collect();
    let everyone = stage.handle.list(Audience::Everyone);
    let mut everyone = stage.ask(everyone).unwrap();
    everyone.sort_unstable();
    everyone.dedup();
    assert_eq!(everyone.len(), pipes.len());
    for conn in &everyone[..5] {
        let lobby = stage.handle.subscribe(*conn, "lobby");
        stage.ask(lobby).unwrap();
    }
    for _ in 0..2 {
        let arrival =
            Arrival::Upgraded(PeerAddr::Unnamed, Admission::user("ann").into(), Vec::new());
        let attaching = stage.handle.attach(Pipe::default(), arrival);
        stage.ask(attaching).unwrap();
    }
    let lobby = stage.handle.list("lobby");
    let mut lobby = stage.ask(lobby).unwrap();
    lobby.sort_unstable();
    assert_eq!(lobby, everyone[..5]);
    for (audience, expected) in [
        (Audience::Everyone, 9),
        ("lobby".into(), 5),
        (Topic::user("ann").into(), 2),
        ("ann".into(), 0),
    ] {
        let counting = stage.handle.count(audience.clone());
        assert_eq!(stage.ask(counting), Ok(expected), "{audience:?}");
        let listing = stage.handle.list(audience);
        assert_eq!(stage.ask(listing).map(|listed| listed.len()), Ok(expected));
    }
}

#[test]
fn members_are_closed_behind_what_was_published_before() {
    let mut stage = Stage::new(3, Settings::default());
    let pipes: Vec<_> = (0..6).map(|_| stage.open_pipe()).collect();
    let everyone = stage.handle.list(Audience::Everyone);
    let mut members = stage.ask(everyone).unwrap();
    let stranger = members.pop().unwrap();
    for conn in &members {
        let lobby = stage.handle.subscribe(*conn, "lobby");
        stage.ask(lobby).unwrap();
    }
    let handle = stage.handle.clone();
    handle.publish("lobby", "we close".into()).now().unwrap();
    let closing = handle.close_all("lobby", CloseCode::Away, "bye").now().unwrap();
    stage.settle();
    assert_eq!(count(closing), 5);
    let told = [answer("we close"), vec![0x88, 5, 3, 233, b'b', b'y', b'e']].concat();
    assert_eq!(pipes.iter().filter(|pipe| pipe.ends().output == told).count(), 5);
    assert_eq!(stage.ask(handle.list(Audience::Everyone)), Ok(vec![stranger]));

    // At once: what waits is dropped.
    let last = pipes.iter().find(|pipe| pipe.ends().output.is_empty()).unwrap();
    last.ends().room = 0;
    handle.publish(Audience::Everyone, "dropped".into()).now().unwrap();
    let kicking = handle.kick_all(Audience::Everyone, CloseCode::Policy, "").now().unwrap();
    stage.settle();
    assert_eq!(count(kicking), 1);
    last.open(usize::MAX);
    stage.settle();
    assert_eq!(last.ends().output, [0x88, 2, 3, 240]);
}

#[test]
fn more_are_closed_than_fit_a_turn() {
    const PEERS: usize = 40_000;
    let settings = Settings { upgrading_max: 100_000, ..Settings::default() };
    let mut stage = Stage::new(1, settings);
    for _ in 0..PEERS {
        let arrival =
            Arrival::Upgraded(PeerAddr::Unnamed, Admission::user("everywhere").into(), Vec::new());
        drop(stage.handle.attach(Pipe::default(), arrival).now().unwrap());
    }
    stage.settle();
    let user = || Topic::user("everywhere");
    // Whatever is left over of the turn is not enough for both.
    stage.handle.publish(user(), "last words".into()).now().unwrap();
    let closing = stage.handle.close_all(user(), CloseCode::Away, "").now().unwrap();
    let after = stage.handle.count(user()).now().unwrap();
    stage.settle();
    assert_eq!((count(closing), count(after)), (PEERS, 0));
}

#[test]
fn who_waits_for_room_is_taken_when_there_is_some() {
    let mut stage = Stage::new(1, Settings { mailbox_bytes_max: 2048, ..Settings::default() });
    let pipe = stage.open_pipe();
    let handle = stage.handle.clone();
    let say =
        |number: usize| handle.publish(Audience::Everyone, Message::text(&number.to_string()));
    let taken = (0..1000).find(|number| say(*number).now() == Err(HandleError::Full)).unwrap();
    {
        let mut waiting: Vec<_> = (taken..taken + 50).map(|number| Box::pin(say(number))).collect();
        for ask in &mut waiting {
            assert_eq!(peek(&mut ask.as_mut()), None);
        }
        // One that is given up asks nothing, and takes nobody's place.
        drop(waiting.remove(0));
        for _ in 0..100 {
            stage.settle();
            waiting.retain_mut(|ask| peek(&mut ask.as_mut()).is_none_or(|asked| asked.is_err()));
        }
        assert!(waiting.is_empty(), "{} wait still", waiting.len());
    }
    stage.settle();
    let numbers = (0..taken).chain(taken + 1..taken + 50);
    let said: Vec<_> = numbers.flat_map(|number| answer(&number.to_string())).collect();
    assert_eq!(pipe.ends().output.len(), said.len());

    let too_long = Message::binary(&[0; 2048]);
    assert_eq!(handle.publish("lobby", too_long.clone()).now(), Err(HandleError::TooLong));
    assert_eq!(handle.publish("lobby", too_long).wait(), Err(HandleError::TooLong));
}

#[test]
fn a_message_that_no_outbox_could_hold_is_not_taken() {
    let settings =
        Settings { outbox_bytes_max: 1024, message_bytes_max: 512, ..Settings::default() };
    let stage = Stage::new(1, settings);
    let longest = Message::binary(&[0; 1020]);
    assert_eq!(longest.frame().len(), 1024);
    assert_eq!(stage.handle.publish("lobby", longest).now(), Ok(()));
    let too_long = Message::binary(&[0; 1021]);
    assert_eq!(stage.handle.publish("lobby", too_long).now(), Err(HandleError::TooLong));
}

#[test]
fn whoever_waits_at_the_end_of_the_house_is_told() {
    for is_dropped in [false, true] {
        let mut stage = Stage::new(2, Settings { mailbox_bytes_max: 2048, ..Settings::default() });
        let _pipe = stage.open_pipe();
        let conn = stage.newest();
        let handle = stage.handle.clone();
        let asked = handle.count(Audience::Everyone).now().unwrap();
        let subscribing = handle.subscribe(conn, "lobby").now().unwrap();
        let attached = Pipe::default();
        let arrival = Arrival::Fresh(PeerAddr::Unnamed);
        let attaching = handle.attach(attached.clone(), arrival).now().unwrap();
        while handle.pause(conn).now().is_ok() {}
        let mut waiting = pin!(handle.pause(conn));
        assert_eq!(peek(&mut waiting), None);
        if is_dropped {
            stage.drop_shards();
        } else {
            handle.stop();
            stage.settle();
        }
        assert_eq!(peek(&mut waiting), Some(Err(HandleError::Stopped)));
        assert_eq!(now(asked.into_future()), Some(Err(HandleError::Stopped)));
        assert_eq!(now(subscribing.into_future()), Some(Err(HandleError::Stopped)));
        assert_eq!(now(attaching.into_future()), Some(Err(HandleError::Stopped)));
        stage.drop_shards();
        assert!(attached.is_dropped());
        let too_late = handle.attach(attached.clone(), Arrival::Fresh(PeerAddr::Unnamed));
        assert_eq!(too_late.wait(), Err(HandleError::Stopped));
        assert!(attached.is_dropped());
    }
}

#[test]
fn an_id_of_another_house_is_of_nobody() {
    let mut large = Stage::new(4, Settings::default());
    for _ in 0..4 {
        large.open_pipe();
    }
    let stranger = large.newest();
    assert_eq!(stranger.shard(), ShardId(3));
    let small = Stage::new(1, Settings::default());
    assert_eq!(small.handle.send(stranger, "x".into()).now(), Err(HandleError::Gone));
    assert_eq!(small.handle.subscribe(stranger, "x").wait(), Err(HandleError::Gone));
}

#[test]
fn a_connection_that_is_paused_from_outside_is_not_read() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    let conn = stage.newest();
    stage.handle.pause(conn).now().unwrap();
    stage.settle();
    pipe.give(&frame("later"));
    for _ in 0..10 {
        stage.pass(Duration::from_secs(60));
    }
    assert_eq!(pipe.ends().output, b"", "neither an echo nor a ping");
    stage.handle.resume(conn).now().unwrap();
    stage.settle();
    assert_eq!(pipe.ends().output, answer("later"));
}

#[test]
fn a_thread_without_a_runtime_waits_for_room_and_answers() {
    const MESSAGES: usize = 300;
    let mut stage = Stage::new(2, Settings { mailbox_bytes_max: 2048, ..Settings::default() });
    let pipe = stage.open_pipe();
    let conn = stage.newest();
    let speak = |handle: Handle| -> Result<usize, HandleError> {
        handle.subscribe(conn, "lobby").wait()?;
        for number in 0..MESSAGES {
            handle.publish("lobby", Message::text(&format!("{number:04}"))).wait()?;
        }
        handle.count("lobby").wait()
    };
    let handle = stage.handle.clone();
    let members = thread::scope(|scope| {
        let speaker = scope.spawn(|| speak(handle));
        let start = std::time::Instant::now();
        while !speaker.is_finished() {
            assert!(start.elapsed() < Duration::from_secs(20), "a wake was lost");
            stage.settle();
            thread::yield_now();
        }
        speaker.join().unwrap()
    });
    stage.settle();
    assert_eq!(members, Ok(1));
    let said: Vec<_> = (0..MESSAGES).flat_map(|number| answer(&format!("{number:04}"))).collect();
    assert_eq!(pipe.ends().output, said);
}
