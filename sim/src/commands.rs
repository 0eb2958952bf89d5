//! What hubs want done, done as a driver would.

use fanlight_core::{Closed, Command, Commands, ConnId, End, Instant, Service, ShardId, serve};

use crate::{
    link::Packet,
    queue::{Happening, Slot},
    record::Line,
    socket::Socket,
    world::{Shard, World},
};

impl<S: Service> World<S> {
    /// Serves and performs commands until there are none.
    pub(crate) fn carry_out(&mut self, shard: ShardId, now: Instant, mut commands: Commands) {
        loop {
            for conn in commands.writes.drain(..) {
                self.note(shard, Line::Write(conn));
                self.digest.write(conn);
                match self.sockets.slot(conn) {
                    Some(slot) if !self.sockets.at(slot).is_gone => {
                        let now = self.moment(shard);
                        let socket = self.sockets.at_mut(slot);
                        (socket.is_writing, socket.seen.asked_at) = (true, now);
                        self.will_write(slot);
                    }
                    Some(_) | None => self.broke("law 2", format!("{conn} is gone, but written")),
                }
            }
            let Some(command) = commands.others.pop_front() else { break };
            self.see(shard, &command);
            self.note(shard, Line::Command(command.clone()));
            let Shard { hub, service, .. } = &mut self.shards[usize::from(shard.0)];
            if let Some(command) = serve(service, hub, now, command, &mut commands) {
                self.perform(shard, command);
            }
        }
        // Kept for its room.
        self.commands = commands;
    }

    /// Laws 1 and 2 look at each command.
    fn see(&mut self, shard: ShardId, command: &Command) {
        self.digest.command(command);
        if let Some(conn) = command.connection()
            && let Some(socket) = self.sockets.get_mut(conn)
            && let Err(what) = socket.watch.see(command)
        {
            self.broke("law 2", format!("{conn} was told {what}"));
        }
        if let Some(conn) = command.connection() {
            let now = self.moment(conn.shard());
            let settings = self.shards[usize::from(conn.shard().0)].hub.config();
            if let Some(socket) = self.sockets.get_mut(conn)
                && let Err(what) = socket.seen.see(command, now, settings)
            {
                self.broke("law 6", format!("{conn} was told {what}"));
            }
        }
        if let Command::Closed(Closed { conn, reason, .. }) = command {
            let at = self.shard(shard).told;
            if let Some(socket) = self.sockets.get_mut(*conn) {
                socket.ended = Some((at, reason.clone()));
            }
        }
    }

    fn note(&mut self, shard: ShardId, line: Line) {
        // A time told too early counts as the last one, so that is when it happened.
        let at = self.shard(shard).told;
        self.record.lines.push((at, shard, line));
    }

    fn perform(&mut self, shard: ShardId, command: Command) {
        match command {
            Command::Pause(conn) => self.with(conn, |socket, _| socket.is_paused = true),
            Command::Resume(conn) => {
                self.with(conn, |socket, now| {
                    socket.is_paused = false;
                    socket.moved_at = now;
                });
                self.with_slot(conn, Self::will_read);
            }
            Command::Shutdown(conn) => self.with_slot(conn, Self::shut_down),
            Command::Disconnect(conn) => {
                self.with(conn, |socket, now| {
                    socket.is_gone = true;
                    socket.gone_at = Some(now);
                    socket.has_ended = true;
                    socket.peer.finish();
                    socket.inward_link.clear();
                });
                self.live.retain(|live| *live != conn);
                self.dead.push(conn);
            }
            Command::Forward(to, parcel) => {
                let at = self.mail.post(&self.nature, self.now, (shard, to), parcel);
                self.will_at(at, Happening::Parcel(shard, to));
            }
            Command::Drained => {}
            Command::Requested(..)
            | Command::Opened(_)
            | Command::Deliver(..)
            | Command::Subscribed(..)
            | Command::SubscriptionRefused(..)
            | Command::Closed(_)
            | Command::Timer(_) => unreachable!("the service was given it"),
        }
    }

    fn with(&mut self, conn: ConnId, act: impl FnOnce(&mut Socket, Instant)) {
        match self.sockets.get_mut(conn) {
            Some(socket) if !socket.is_gone => act(socket, self.now),
            Some(_) | None => self.broke("law 2", format!("a command for {conn}, which is gone")),
        }
    }

    fn with_slot(&mut self, conn: ConnId, act: impl FnOnce(&mut Self, Slot)) {
        if let Some(slot) = self.sockets.slot(conn) {
            act(self, slot);
        }
    }

    fn shut_down(&mut self, slot: Slot) {
        let conn = self.sockets.at(slot).conn;
        if self.has_unsent(conn) {
            self.broke("law 4", format!("{conn} is shut down with bytes unsent"));
        }
        let socket = self.sockets.at_mut(slot);
        socket.is_shut = true;
        socket.is_cut_short = socket.is_writing && socket.room() == 0;
        socket.is_writing = false;
        if !socket.is_cut_short && !socket.watch.is_whole() {
            self.broke("law 4", format!("{conn} is shut down in the middle of a frame"));
        }
        let socket = self.sockets.at_mut(slot);
        if socket.outward_link.is_instant() && !socket.is_unread {
            self.peer_finishes(slot);
        } else {
            let end = Packet::End(End::Eof);
            let at = socket.outward_link.send(self.now, end, &mut socket.rng);
            self.will_at(at, Happening::Outward(slot));
        }
    }
}
