//! What a test that fails is told, and where.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    sync::Once,
    time::Duration,
};

use fanlight_sim::{
    Crowd, Path, Rudeness, World,
    fanlight_core::{
        Admission, CloseCode, CloseReason, ConnId, Context, Message, Refusal, Request, Service,
        ShardId, Timer,
    },
};

/// Refuses "/staff", sends back what it is told, and does what some words ask for.
#[derive(Default)]
struct Echo {
    users: Vec<String>,
}

impl Service for Echo {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        if request.path() == "/staff" {
            return cx.refuse(conn, Refusal::forbidden_origin());
        }
        self.users.push(request.path().to_owned());
        cx.admit(conn, Admission::default());
    }
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message) {
        match message.as_text() {
            Some("kick") => cx.close(from, CloseCode::Policy, "kicked"),
            Some("wake") => cx.set_timer(Timer::Shard, Some(cx.now())),
            Some("wake me") => cx.set_timer(Timer::Connection(from), Some(cx.now())),
            Some("panic") => panic!("the service is broken"),
            Some(_) | None => _ = cx.send(from, message),
        }
    }
    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        // A connection's is set again once for each user, the shard's for ever.
        if timer == Timer::Shard || self.users.pop().is_some() {
            cx.set_timer(timer, Some(cx.now()));
        }
    }
}

fn echo() -> World<Echo> {
    World::new(11, |_| Echo::default())
}

thread_local! {
    /// In which file this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a mistake in a test's script panics with; it points to this file.
fn told(act: impl FnOnce(&mut World<Echo>)) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|it| it.file().to_owned());
            PLACE.set(place.unwrap_or_default());
            before(info);
        }));
    });
    let mut world = echo();
    let panic = catch_unwind(AssertUnwindSafe(|| act(&mut world)));
    let panic = panic.expect_err("that is a mistake");
    let place = PLACE.take();
    assert!(place.ends_with("told.rs"), "it points to {place}");
    panic.downcast_ref::<String>().expect("its text is made").clone()
}

/// It has all these parts.
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn how_a_connection_ended_is_told() {
    let text = told(|world| {
        let conn = world.open("/");
        world.peer(conn).send("kick").expect("hello");
    });
    let parts = ["nothing came", "Close 1008 \"kicked\"", "it ended at 0.000s: service_closed"];
    has(&text, &parts);
    has(&text, &["(seed 11)"]);
    let text = told(|world| {
        let conn = world.open("/");
        world.peer(conn).vanish();
        world.settle();
        world.peer(conn).expect("hello");
    });
    has(&text, &["no Close yet", "heartbeat_timeout"]);
    let text = told(|world| {
        let conn = world.open("/");
        world.peer(conn).expect_close_without_code();
    });
    has(&text, &["expected a Close without a code", "no Close yet"]);
}

#[test]
fn a_refusal_is_expected_and_told() {
    let mut world = echo();
    let conn = world.arrive().unwrap();
    world.peer(conn).expect_refused("/staff", 403);
    world.settle();
    assert_eq!(world.end_of(conn), Some(&CloseReason::Refused(403)));
    has(&told(|world| _ = world.open("/staff")), &["not admitted", "answered with 403"]);
    let text = told(|world| {
        let conn = world.arrive().unwrap();
        world.peer(conn).expect_refused("/", 403);
    });
    has(&text, &["to be refused with 403, and was admitted"]);
    let text = told(|world| {
        let conn = world.arrive().unwrap();
        world.peer(conn).expect_refused("/staff", 404);
    });
    has(&text, &["to be refused with 404", "answered with 403"]);
}

#[test]
fn whoever_is_not_there_says_nothing() {
    let say = |leave: fn(&mut World<Echo>, ConnId)| {
        told(move |world| {
            let conn = world.open("/");
            leave(world, conn);
            world.peer(conn).send("hello");
        })
    };
    has(&say(|world, conn| _ = world.peer(conn).vanish()), &["has vanished"]);
    has(&say(|world, conn| _ = world.peer(conn).reset()), &["has been reset"]);
    has(&say(|world, conn| _ = world.peer(conn).end()), &["has ended its side"]);
    has(
        &say(|world, conn| _ = world.peer(conn).send("kick")),
        &["has no connection any more", "service_closed"],
    );
    let breaks = |world: &mut World<Echo>, conn| {
        world.peer(conn).stall().break_rules(Rudeness::ReservedBit);
    };
    has(&say(breaks), &["cannot say something"]);
}

#[test]
fn a_shard_or_connection_that_is_not_there_is_told() {
    has(&told(|world| _ = world.service(ShardId(3))), &["no shard 3 in a world of 1"]);
    has(&told(|world| _ = world.service_mut(ShardId(3))), &["no shard 3 in a world of 1"]);
    has(&told(|world| _ = world.hub(ShardId(3))), &["no shard 3 in a world of 1"]);
    let mut other = World::new(1, |_| Echo::default());
    let [_, stranger] = [other.open("/"), other.open("/")];
    has(&told(|world| _ = world.peer(stranger)), &["is no connection of this world (seed 11)"]);
    has(&told(|world| _ = world.socket(stranger)), &["is no connection of this world (seed 11)"]);
}

#[test]
fn a_timer_that_is_due_at_once_for_ever_is_told() {
    let text = told(|world| {
        let conn = world.open("/");
        world.peer(conn).send("wake");
        world.advance(Duration::from_secs(1));
    });
    has(&text, &["100,000 steps", "shard 0", "(seed 11)"]);
}

#[test]
fn a_timer_that_is_due_at_once_breaks_no_law() {
    let mut world = echo();
    let conn = world.open("/");
    world.peer(conn).send("wake me");
    world.advance(Duration::from_secs(1));
    assert!(world.service(ShardId(0)).users.is_empty(), "it was woken");
    world.assert_lawful();
}

#[test]
fn up_to_five_broken_laws_are_told() {
    let text = told(|world| {
        for nth in 1..=7 {
            world.broke("the rule", format!("by number {nth}"));
        }
        world.assert_lawful();
    });
    has(&text, &["the rule is broken at 0.000s: by number 1\n", "number 5\nand 2 more (seed 11)"]);
    assert!(!text.contains("number 6"), "{text}");
}

#[test]
fn a_crowd_asks_for_paths_and_is_watched() {
    let mut world = echo();
    let path = Path::made(|rng| format!("/user/{}", rng.u8(..4)));
    let mut crowd = Crowd::new(4, path, |_, conn| format!("I am {conn}"));
    world.run_checked(&mut crowd, Duration::from_secs(9), |world| {
        match world.service(ShardId(0)).users.iter().find(|user| !user.starts_with("/user/")) {
            Some(user) => Err(format!("{user} is no user")),
            None => Ok(()),
        }
    });
    world.assert_lawful();
    for socket in world.sockets() {
        let text = format!("I am {}", socket.conn());
        assert!(socket.peer.said().iter().all(|said| *said == text));
    }
    let users = &world.service(ShardId(0)).users;
    assert!((0..4).all(|nth| users.contains(&format!("/user/{nth}"))), "{users:?}");
    let begun = world.now();
    world.run_checked(&mut crowd, Duration::from_secs(2), |_| Err("never".into()));
    assert!(world.now() - begun < Duration::from_secs(1), "the run ends where it does not hold");
    assert_eq!(world.broken()[0].law, "the test's own invariant");
}

#[test]
fn after_calm_who_vanished_is_still_there_and_after_settling_not() {
    let mut world = echo();
    let [gone, well] = [world.open("/"), world.open("/")];
    world.peer(gone).vanish();
    world.calm();
    assert_eq!(world.live(), [gone, well]);
    assert_eq!(world.end_of(gone), None);
    world.settle();
    assert_eq!(world.live(), [well]);
    assert_eq!(world.end_of(gone), Some(&CloseReason::HeartbeatTimeout));
    world.assert_lawful();
}

#[test]
#[ignore = "a part of the next test"]
#[should_panic(expected = "broken")]
fn a_service_panics() {
    let mut world = echo();
    let conn = world.open("/");
    world.advance(Duration::from_millis(3_201));
    world.peer(conn).send("panic");
}

#[test]
#[ignore = "a part of the next test"]
fn nothing_panics() {
    drop(echo());
}

#[test]
fn a_panic_tells_the_seed_once() {
    let stderr = |test: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args([test, "--exact", "--ignored", "--nocapture"]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = stderr("a_service_panics");
    has(&text, &["the world had seed 11, at 3.201s, after "]);
    assert_eq!(text.matches("the world had").count(), 1);
    assert!(!stderr("nothing_panics").contains("the world had"));
}
