//! What comes of an event.

use std::fmt;

use fanlight_core::{Command, Phase};

use crate::{event::Happening, frame, state::State, subject::Subject};

/// The phase of a connection afterwards, and what the hub wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) before: Option<Phase>,
    pub(crate) after: Option<Phase>,
    /// In short.
    commands: Vec<String>,
    /// What waits for the socket, if that changed.
    unsent: Option<Vec<String>>,
    pub(crate) is_stale: bool,
    /// The nearest deadline of the state.
    pub(crate) deadline: Option<&'static str>,
    /// Why the connection ends, if that became known only now.
    pub(crate) reason: Option<&'static str>,
}

impl Outcome {
    /// What happens in a state; `from_afar` if it is asked from another shard.
    pub(crate) fn of(state: &State, happening: &Happening, from_afar: bool) -> Self {
        let mut subject = (state.build)();
        subject.asks_from_afar = from_afar;
        let before = subject.portrait();
        let (unsent, stale) = (subject.unsent(), subject.hub.stats().stale_events);
        (happening.happen)(&mut subject);
        subject.check();
        let now_unsent = subject.unsent();
        let was_ending = before.as_ref().is_some_and(|portrait| portrait.reason.is_some());
        let after = subject.portrait().map(|portrait| portrait.phase);
        Self {
            before: before.as_ref().map(|portrait| portrait.phase),
            after,
            commands: subject.short_commands(),
            unsent: (after.is_some() && now_unsent != unsent)
                .then(|| frame::words_after(&unsent, &now_unsent)),
            is_stale: subject.hub.stats().stale_events > stale,
            reason: subject.reason().filter(|_| !was_ending),
            deadline: before.and_then(|portrait| portrait.deadline).map(|(_, name)| name),
        }
    }
}

impl Subject {
    /// Why the connection ends or has ended, if it does.
    fn reason(&self) -> Option<&'static str> {
        let closed = self.commands.others.iter().find_map(|command| {
            let Command::Closed(closed) = command else { return None };
            (closed.conn == self.conn).then(|| closed.reason.name())
        });
        let reason = self.portrait().and_then(|portrait| portrait.reason);
        closed.or(reason.map(|reason| reason.name()))
    }

    fn short_commands(&self) -> Vec<String> {
        let of_subject = self
            .commands
            .others
            .iter()
            .filter(|command| command.connection().is_none_or(|conn| conn == self.conn));
        let mut short: Vec<_> = of_subject.map(short).collect();
        if self.commands.writes.contains(&self.conn) {
            short.push("write".to_owned());
        }
        short
    }

    /// What must hold after whatever happens.
    fn check(&self) {
        let held = self.hub.stats().assembly_bytes;
        let held_max = self.hub.config().assembly_bytes_max as u64;
        assert!(held <= held_max, "{held} bytes of unfinished messages");
        let others = &self.commands.others;
        let count = |is_so: fn(&Command) -> bool| {
            let of_subject = |command: &&Command| command.connection() == Some(self.conn);
            others.iter().filter(of_subject).filter(|command| is_so(command)).count()
        };
        let closed = count(|command| matches!(command, Command::Closed(_)));
        let disconnected = count(|command| matches!(command, Command::Disconnect(_)));
        assert_eq!(closed, disconnected, "{others:?}");
        match self.portrait() {
            None => assert!(closed <= 1, "{others:?}"),
            Some(portrait) => {
                assert_eq!(closed, 0, "{others:?}");
                let Some((at, _)) = portrait.deadline else {
                    // It is not the peer who is waited for.
                    let ours = |pause: &&str| ["credit", "service"].contains(pause);
                    return assert!(portrait.pauses.iter().any(ours), "{portrait}");
                };
                let next = self.hub.next_deadline().expect("somebody is here");
                assert!(next <= at.max(self.now), "asks for {next}, {portrait}");
            }
        }
        let of_subject = others.iter().filter(|command| command.connection() == Some(self.conn));
        let last = of_subject.last();
        assert!(closed == 0 || last == Some(&Command::Disconnect(self.conn)), "{others:?}");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.map_or("gone".to_owned(), |phase| phase.to_string());
        let mut told = self.commands.clone();
        if self.is_stale {
            told.push("stale".to_owned());
        }
        if let Some(unsent) = &self.unsent {
            told.push(format!("[{}]", unsent.join(", ")));
        }
        write!(f, "{after:<10} {}", told.join(", "))
    }
}

fn short(command: &Command) -> String {
    match command {
        Command::Pause(_) => "Pause".to_owned(),
        Command::Resume(_) => "Resume".to_owned(),
        Command::Shutdown(_) => "Shutdown".to_owned(),
        Command::Disconnect(_) => "Disconnect".to_owned(),
        Command::Requested(..) => "Requested".to_owned(),
        Command::Opened(_) => "Opened".to_owned(),
        Command::Deliver(..) => "Deliver".to_owned(),
        Command::Subscribed(..) => "Subscribed".to_owned(),
        Command::SubscriptionRefused(..) => "SubscriptionRefused".to_owned(),
        Command::Closed(closed) if closed.was_known => format!("Closed({})", closed.reason),
        Command::Closed(closed) => format!("Closed({}, unknown)", closed.reason),
        Command::Timer(_) => "Timer".to_owned(),
        Command::Drained => "Drained".to_owned(),
        Command::Forward(..) => "Forward".to_owned(),
    }
}
