//! Every way in which a connection can end.

use std::fmt;

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::wire::{Fault, RequestFault};

/// Why a connection ended, who ended it, and with which code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer sent a Close first, with this code and text if it gave any.
    PeerClosed(Option<Box<CloseFrame>>),
    /// The peer ended or lost the transport without a Close.
    PeerGone,
    /// The peer's request could not be taken.
    BadRequest(RequestFault),
    /// The peer broke RFC 6455.
    Fault(Fault),
    /// The peer did not finish its request in time.
    UpgradeTimeout,
    /// The peer did not finish a message in time.
    MessageTimeout,
    /// The peer was silent, and still was after a ping.
    HeartbeatTimeout,
    /// The peer's socket took nothing for too long.
    Stalled,
    /// More waited for the peer than its outbox may hold.
    OutboxFull,
    /// Unfinished messages filled what the shard may hold.
    AssemblyFull,
    /// The service refused the request, or answered a plain one, with this status.
    Refused(u16),
    /// The service did not answer the request in time.
    DecisionTimeout,
    /// The service closed the connection with this code.
    ServiceClosed(CloseCode),
    /// The service panicked over the connection.
    ServicePanicked,
    /// The hub was drained; open connections were told this code.
    Drained(CloseCode),
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The remote program, by its will or its fault.
    Peer,
    /// The service.
    Service,
    /// The hub, to keep a bound or a deadline.
    Hub,
}

impl CloseReason {
    /// Who ended the connection.
    pub fn ended_by(&self) -> EndedBy {
        match self {
            Self::PeerClosed(_) | Self::PeerGone | Self::BadRequest(_) | Self::Fault(_) => {
                EndedBy::Peer
            }
            Self::Refused(_)
            | Self::DecisionTimeout
            | Self::ServiceClosed(_)
            | Self::ServicePanicked => EndedBy::Service,
            Self::UpgradeTimeout
            | Self::MessageTimeout
            | Self::HeartbeatTimeout
            | Self::Stalled
            | Self::OutboxFull
            | Self::AssemblyFull
            | Self::Drained(_) => EndedBy::Hub,
        }
    }

    /// The close code of a connection that had opened, as RFC 6455 section 7.1.5 has it: what the
    /// peer sent if it closed, what it was sent if we did, 1005 if that had no code, and 1006 if
    /// nobody could say anything. `None` for an end that only comes before a connection opens.
    pub fn code(&self) -> Option<CloseCode> {
        match self {
            Self::PeerClosed(Some(frame)) => Some(frame.code),
            Self::PeerClosed(None) => Some(CloseCode::Status),
            Self::PeerGone | Self::HeartbeatTimeout | Self::Stalled => Some(CloseCode::Abnormal),
            Self::Fault(fault) => Some(fault.code()),
            Self::MessageTimeout => Some(CloseCode::Policy),
            Self::OutboxFull | Self::AssemblyFull => Some(CloseCode::Again),
            Self::ServiceClosed(code) | Self::Drained(code) => Some(*code),
            Self::ServicePanicked => Some(CloseCode::Error),
            Self::BadRequest(_)
            | Self::UpgradeTimeout
            | Self::Refused(_)
            | Self::DecisionTimeout => None,
        }
    }

    /// The same, when the code could not be sent.
    pub(crate) fn without_code(self) -> Self {
        match self {
            Self::ServiceClosed(_) => Self::ServiceClosed(CloseCode::Status),
            Self::Drained(_) => Self::Drained(CloseCode::Status),
            Self::PeerClosed(_)
            | Self::PeerGone
            | Self::BadRequest(_)
            | Self::Fault(_)
            | Self::UpgradeTimeout
            | Self::MessageTimeout
            | Self::HeartbeatTimeout
            | Self::Stalled
            | Self::OutboxFull
            | Self::AssemblyFull
            | Self::Refused(_)
            | Self::DecisionTimeout
            | Self::ServicePanicked => self,
        }
    }

    /// A short name of letters and underscores, for logs and as the label of a metric.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PeerClosed(_) => "peer_closed",
            Self::PeerGone => "peer_gone",
            Self::BadRequest(_) => "bad_request",
            Self::Fault(_) => "fault",
            Self::UpgradeTimeout => "upgrade_timeout",
            Self::MessageTimeout => "message_timeout",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::Stalled => "stalled",
            Self::OutboxFull => "outbox_full",
            Self::AssemblyFull => "assembly_full",
            Self::Refused(_) => "refused",
            Self::DecisionTimeout => "decision_timeout",
            Self::ServiceClosed(_) => "service_closed",
            Self::ServicePanicked => "service_panicked",
            Self::Drained(_) => "drained",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::BadRequest(fault) => write!(f, ": {fault}")?,
            Self::Fault(fault) => write!(f, ": {fault}")?,
            Self::Refused(status) => write!(f, " ({status})")?,
            Self::PeerClosed(_)
            | Self::PeerGone
            | Self::UpgradeTimeout
            | Self::MessageTimeout
            | Self::HeartbeatTimeout
            | Self::Stalled
            | Self::OutboxFull
            | Self::AssemblyFull
            | Self::DecisionTimeout
            | Self::ServiceClosed(_)
            | Self::ServicePanicked
            | Self::Drained(_) => {}
        }
        match self.code() {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each way to end as it is printed, and who ended it.
    #[test]
    fn every_end_says_who_and_with_which_code() {
        use EndedBy::{Hub, Peer, Service};

        let frame = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
        for (reason, printed, who) in [
            (CloseReason::PeerClosed(Some(Box::new(frame))), "peer_closed (1001)", Peer),
            (CloseReason::PeerClosed(None), "peer_closed (1005)", Peer),
            (CloseReason::PeerGone, "peer_gone (1006)", Peer),
            (
                CloseReason::BadRequest(RequestFault::KeyMissing),
                &format!("bad_request: {}", RequestFault::KeyMissing),
                Peer,
            ),
            (
                CloseReason::Fault(Fault::Unmasked),
                &format!("fault: {} (1002)", Fault::Unmasked),
                Peer,
            ),
            (CloseReason::UpgradeTimeout, "upgrade_timeout", Hub),
            (CloseReason::MessageTimeout, "message_timeout (1008)", Hub),
            (CloseReason::HeartbeatTimeout, "heartbeat_timeout (1006)", Hub),
            (CloseReason::Stalled, "stalled (1006)", Hub),
            (CloseReason::OutboxFull, "outbox_full (1013)", Hub),
            (CloseReason::AssemblyFull, "assembly_full (1013)", Hub),
            (CloseReason::Refused(403), "refused (403)", Service),
            (CloseReason::DecisionTimeout, "decision_timeout", Service),
            (CloseReason::ServiceClosed(CloseCode::Policy), "service_closed (1008)", Service),
            (CloseReason::ServicePanicked, "service_panicked (1011)", Service),
            (CloseReason::Drained(CloseCode::Restart), "drained (1012)", Hub),
        ] {
            assert_eq!(reason.to_string(), printed);
            assert_eq!(reason.ended_by(), who, "{printed}");
        }
    }

    #[test]
    fn only_a_code_of_ours_can_be_left_out() {
        let code = |reason: CloseReason| reason.without_code().code();
        assert_eq!(code(CloseReason::ServiceClosed(CloseCode::Abnormal)), Some(CloseCode::Status));
        assert_eq!(code(CloseReason::Drained(CloseCode::Abnormal)), Some(CloseCode::Status));
        for reason in [CloseReason::OutboxFull, CloseReason::PeerGone, CloseReason::Refused(403)] {
            assert_eq!(reason.clone().without_code(), reason);
        }
    }
}
