//! One suite of behaviours for every runtime that Fanlight runs on: a real server on real sockets,
//! spoken to by clients that are not ours, on the same runtime.
//!
//! `cargo test -p fanlight-tests --test behaviours` plays them all and prints a table of behaviours by
//! runtimes. Words behind `--` play the behaviours whose names have one of them in it.
//!
//! A behaviour is a function that takes a [`Platform`](platform::Platform), named once in the table
//! below. The servers' clock is the test's, and stands still until it is told that time passes.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed behaviour")]

mod attaching;
mod bounds;
mod client;
mod clock;
mod connections;
mod deciding;
mod drain;
mod encryption;
mod endings;
mod fanout;
mod faults;
mod handle;
mod heartbeats;
mod house;
mod opening;
mod platform;
mod platforms;
mod service;
mod slowness;
mod suite;
mod talk;
mod unix;

use std::{env, process::ExitCode};

use suite::{Behaviour, behaviours};

const BEHAVIOURS: &[Behaviour] = &behaviours![
    opening::an_upgrade_is_answered_as_the_rfc_has_it,
    opening::a_request_byte_by_byte_is_answered_like_any_other,
    opening::a_request_that_the_service_refuses_is_told_why,
    opening::a_peer_that_never_finishes_its_request_is_let_go,
    talk::messages_of_every_size_and_kind_come_back,
    talk::what_is_sent_without_waiting_comes_back_in_order,
    talk::forty_clients_are_shared_out_and_served,
    fanout::all_members_hear_one_order_on_whichever_shard_they_live,
    fanout::a_broadcast_reaches_everyone_and_a_topic_its_members,
    heartbeats::a_silent_peer_is_pinged_and_let_go,
    heartbeats::a_peer_that_answers_stays_for_hours,
    slowness::a_reader_that_is_too_slow_is_cut_off_and_harms_nobody,
    slowness::a_reader_that_takes_nothing_stalls,
    endings::a_peer_that_closes_is_answered_and_shut_down,
    endings::a_service_that_closes_has_its_last_words_arrive_first,
    endings::last_words_survive_input_that_nobody_read,
    endings::a_peer_that_does_not_leave_is_waited_for_and_let_go,
    endings::a_peer_that_vanishes_is_noticed,
    endings::a_server_that_is_stopped_says_so,
    endings::a_run_that_is_dropped_ends_its_shards,
    drain::clients_that_obey_end_it_at_once,
    drain::clients_that_do_not_obey_end_it_at_its_deadline,
    drain::nobody_is_let_in_meanwhile,
    faults::a_panic_of_the_service_ends_one_connection_with_1011,
    faults::a_panic_over_a_shards_timer_ends_nobody,
    faults::a_peer_that_breaks_the_protocol_is_told_and_harms_nobody,
    handle::a_plain_thread_publishes_sends_and_closes,
    handle::a_plain_thread_subscribes_counts_and_closes_all,
    handle::requests_past_the_bound_are_refused_and_nothing_taken_is_lost,
    handle::a_handle_works_before_the_server_runs,
    bounds::whom_there_is_no_room_for_is_told_and_let_go,
    bounds::whom_there_is_no_room_for_waits_if_that_is_wanted,
    attaching::a_stream_that_somebody_else_accepted_is_like_any_other,
    attaching::a_connection_of_async_tungstenite_goes_on,
    attaching::whom_there_is_no_room_for_is_told_though_it_is_open,
    deciding::a_request_is_admitted_later_by_a_plain_thread,
    deciding::a_request_that_nobody_decides_is_answered_at_its_deadline,
    connections::a_task_for_each_connection_hears_and_speaks,
    connections::who_does_not_read_pauses_its_peer,
    connections::who_writes_waits_for_a_slow_peer,
    connections::dropping_it_closes_the_connection,
    encryption::an_encrypted_connection_is_like_any_other,
    encryption::a_handshake_has_the_deadline_of_an_upgrade,
    encryption::handshakes_are_bounded_in_number,
    encryption::a_handshake_that_fails_harms_nobody,
    encryption::a_certificate_that_is_replaced_is_shown_to_the_next,
    unix::a_unix_socket_is_like_any_other,
    unix::its_file_is_there_as_long_as_the_server,
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        BEHAVIOURS.iter().for_each(|behaviour| println!("{}: test", behaviour.name));
        return ExitCode::SUCCESS;
    }
    // What else the test runner of Rust can be told is not for this one.
    let words: Vec<String> = args.into_iter().filter(|arg| !arg.starts_with('-')).collect();
    suite::play(BEHAVIOURS, &platforms::ALL, &words)
}
