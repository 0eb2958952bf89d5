//! From being accepted to being open: requests, decisions, refusals.

use super::{
    Hub,
    admission::{AddressKey, Refused},
    connection::{Connection, Deciding, Pause, State, Upgrading},
};
use crate::{
    command::{Command, Commands},
    event::Arrival,
    id::ConnId,
    planted::{Planted, planted},
    reason::CloseReason,
    wire::{
        Admission, Deflate, HeadLimits, Limits, Negotiated, Refusal, RequestFault, Role, Upgrade,
        Wire, encode,
    },
};

impl Hub {
    pub(super) fn arrive(
        &mut self,
        arrival: Arrival,
        commands: &mut Commands,
    ) -> Result<ConnId, Refused> {
        let peer = arrival.peer();
        let address = AddressKey::of(peer);
        let is_fresh = matches!(arrival, Arrival::Fresh(_));
        let room = self.census.check(&self.config, self.pool.len(), address, is_fresh);
        let room = if self.draining.is_some() { Err(Refused::Draining) } else { room };
        if let Err(refused) = room {
            self.stats.refused += 1;
            if planted(Planted::RefusalLeaksCount) {
                self.census.arrived(address, is_fresh);
            }
            return Err(refused);
        }
        self.stats.accepted += 1;
        self.census.arrived(address, is_fresh);
        let limits = Limits {
            message_bytes_max: self.config.message_bytes_max,
            overlong_lengths: self.config.overlong_lengths,
        };
        let upgrade = Upgrade::new(HeadLimits {
            head_bytes_max: self.config.head_bytes_max,
            request_line_bytes_max: self.config.request_line_bytes_max,
            headers_max: self.config.headers_max,
        });
        let state = State::Upgrading(Box::new(Upgrading { upgrade, peer }));
        let wire = Wire::new(Role::Server, limits);
        let conn = self.pool.insert(Connection::new(self.now, state, wire, address));
        match arrival {
            Arrival::Fresh(_) => self.rearm(conn),
            Arrival::Upgraded(_, Negotiated { admission, deflate }, mut read) => {
                self.open(conn, admission, deflate, commands);
                self.received_frames(conn, &mut read, commands);
            }
        }
        Ok(conn)
    }

    /// Bytes of the request.
    pub(super) fn received_head(&mut self, conn: ConnId, bytes: &[u8], commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let State::Upgrading(upgrading) = &mut connection.state else { return };
        match upgrading.upgrade.receive(bytes) {
            Ok(None) => {}
            Ok(Some((mut request, used))) => {
                request.peer = Some(upgrading.peer);
                let request = std::sync::Arc::new(request);
                let deciding = Deciding { request: request.clone(), rest: bytes[used..].to_vec() };
                connection.state = State::Deciding(Box::new(deciding));
                connection.since = self.now;
                connection.known = true;
                self.pause(conn, Pause::Deciding, commands);
                commands.push(Command::Requested(conn, request));
                self.rearm(conn);
            }
            Err(fault) => {
                self.answer(conn, &fault.refusal(), CloseReason::BadRequest(fault), commands);
            }
        }
    }

    /// Bytes that came although the connection was paused: what was read before the pause.
    pub(super) fn received_behind_head(
        &mut self,
        conn: ConnId,
        bytes: &[u8],
        commands: &mut Commands,
    ) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let State::Deciding(deciding) = &mut connection.state else { return };
        if deciding.rest.len() + bytes.len() > 2 * self.config.read_bytes_max {
            let fault = RequestFault::HeadTooLong;
            return self.answer(conn, &fault.refusal(), CloseReason::BadRequest(fault), commands);
        }
        deciding.rest.extend_from_slice(bytes);
    }

    /// The service lets the connection open.
    pub(super) fn admit(&mut self, conn: ConnId, admission: Admission, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        let State::Deciding(deciding) = &mut connection.state else { return self.stale() };
        if connection.ended {
            return self.finish(conn, CloseReason::PeerGone, commands);
        }
        let deflates = self.config.deflate_level > 0;
        let Some((answer, Negotiated { admission, deflate })) =
            deciding.request.accept(admission, deflates)
        else {
            // A plain request cannot become a WebSocket, whatever the service wants.
            let refusal = Refusal::upgrade_required();
            let reason = CloseReason::Refused(refusal.status());
            return self.answer(conn, &refusal, reason, commands);
        };
        let mut rest = std::mem::take(&mut deciding.rest);
        self.enqueue_answer(conn, &encode(&answer), commands);
        self.census.upgraded();
        self.open(conn, admission, deflate, commands);
        self.resume(conn, Pause::Deciding, commands);
        if !rest.is_empty() {
            self.received_frames(conn, &mut rest, commands);
        }
    }

    /// The service answers with something else than an upgrade.
    pub(super) fn refuse(&mut self, conn: ConnId, refusal: &Refusal, commands: &mut Commands) {
        if !self.awaits_decision(conn) {
            return self.stale();
        }
        self.answer(conn, refusal, CloseReason::Refused(refusal.status()), commands);
    }

    /// Ends a connection that has not opened with a whole HTTP answer.
    pub(super) fn answer(
        &mut self,
        conn: ConnId,
        refusal: &Refusal,
        reason: CloseReason,
        commands: &mut Commands,
    ) {
        self.enqueue_answer(conn, &refusal.encode(), commands);
        self.begin_closing(conn, reason, false, commands);
    }

    fn open(
        &mut self,
        conn: ConnId,
        admission: Admission,
        deflate: Option<Deflate>,
        commands: &mut Commands,
    ) {
        let luck = &mut self.luck(conn);
        let Some(connection) = self.pool.get_mut(conn) else { return };
        connection.state = State::Open;
        connection.since = self.now;
        connection.known = true;
        connection.wire.set_deflate(deflate);
        connection.heartbeat.start(self.now, &self.config, luck);
        self.stats.opened += 1;
        self.stats.open += 1;
        commands.push(Command::Opened(conn));
        if let Some(user) = admission.user {
            self.subscribe(conn, user, commands);
        }
        self.rearm(conn);
    }
}
