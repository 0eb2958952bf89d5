use super::*;

fn task(args: &str) -> Result<Task, clap::Error> {
    Task::parse(["fanlight"].into_iter().chain(args.split_whitespace()))
}

fn parse(args: &str) -> Result<Options, clap::Error> {
    task(args).map(|task| match task {
        Task::Serve(options) => *options,
        Task::Replay(args) => panic!("{args:?}"),
    })
}

fn refusal(args: &str) -> String {
    let refused = parse(args).unwrap_err();
    assert_eq!(refused.exit_code(), 2, "{args}");
    refused.to_string()
}

#[test]
fn the_command_is_consistent() {
    Args::command().args(settings::args()).debug_assert();
}

#[test]
fn without_options_it_listens_on_loopback_with_the_default_config() {
    let options = parse("").unwrap();
    assert_eq!(options.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!((options.tls, options.when_full), (None, WhenFull::Refuse));
    assert_eq!(options.config, Config::default());
    assert_eq!(options.origins, Origins::SameHostHere);
    assert_eq!(options.send_buffer_bytes, 65_536);
    assert_eq!(options.drain.farewell.code, CloseCode::Away);
}

#[test]
fn an_address_that_others_can_reach_needs_consent() {
    for address in ["0.0.0.0:9000", "[::]:9000", "192.0.2.1:80", "[2001:db8::1]:80"] {
        let refused = refusal(&format!("--listen {address}"));
        assert!(refused.contains("--allow-remote") && refused.contains(address), "{refused}");
        assert!(refused.contains("without --token-hmac-secret"), "{refused}");
        // A secret is for one endpoint, so it is no consent.
        let secret = "0123456789abcdef0123456789abcdef";
        let refused = refusal(&format!("--listen {address} --token-hmac-secret {secret}"));
        assert!(refused.contains("only /connection/websocket asks"), "{refused}");
        assert!(parse(&format!("--listen {address} --allow-remote")).is_ok());
    }
    for address in ["127.0.0.1:0", "127.1.2.3:9000", "[::1]:9000", "[::ffff:127.0.0.1]:1"] {
        assert!(parse(&format!("--listen {address}")).is_ok(), "{address}");
    }
}

#[test]
fn a_host_name_is_refused_with_an_example() {
    assert!(refusal("--listen localhost:9000").contains("127.0.0.1:9000"));
}

#[cfg(unix)]
#[test]
fn a_unix_socket_needs_no_consent_and_takes_no_certificate() {
    let options = parse("--listen unix:/run/fanlight.sock").unwrap();
    assert_eq!(options.origins, Origins::SameHost, "a proxy has a name of its own");
    let refused = refusal("--listen unix:/run/f.sock --tls-cert c --tls-key k");
    assert!(refused.contains("--tls-cert") && refused.contains("unix:/run/f.sock"), "{refused}");
}

#[test]
fn a_certificate_and_its_key_come_together() {
    let options = parse("--tls-cert c.pem --tls-key k.pem").unwrap();
    assert_eq!(options.tls, Some(("c.pem".into(), "k.pem".into())));
    assert!(refusal("--tls-cert c.pem").contains("--tls-key"));
    assert!(refusal("--tls-key k.pem").contains("--tls-cert"));
}

#[test]
fn a_runtime_is_one_that_is_built_in() {
    for runtime in Runtime::value_variants() {
        let name = runtime.to_possible_value().unwrap().get_name().to_owned();
        assert_eq!(parse(&format!("--runtime {name}")).unwrap().runtime, *runtime);
    }
    assert!(refusal("--runtime threads").contains("--runtime"));
}

#[test]
fn shards_are_from_1_to_255() {
    assert_eq!(parse("--shards 255").unwrap().shards.get(), 255);
    for count in ["0", "256", "-1", "many"] {
        let refused = refusal(&format!("--shards={count}"));
        assert!(refused.contains("--shards") && refused.contains("from 1 to 255"), "{refused}");
    }
}

#[test]
fn a_drain_must_not_end_before_its_last_goodbye() {
    let options = parse("--drain-over 3s --drain-timeout 3s").unwrap();
    assert_eq!(options.drain.over, options.drain.timeout);
    let refused = refusal("--drain-over 3s --drain-timeout 2s");
    assert!(refused.contains("--drain-timeout is 2s") && refused.contains("3s"), "{refused}");
}

#[test]
fn a_setting_reaches_the_config() {
    let options = parse("--ping-interval 1m --message-bytes-max 64KiB").unwrap();
    assert_eq!(options.config.ping_interval, Duration::from_secs(60));
    assert_eq!(options.config.message_bytes_max, 65_536);
}

#[test]
fn other_machines_have_other_names_for_this_one() {
    let options = parse("--listen 0.0.0.0:9000 --allow-remote").unwrap();
    assert_eq!(options.origins, Origins::SameHost);
    assert_eq!(parse("--listen [::1]:0").unwrap().origins, Origins::SameHostHere);
    assert_eq!(parse("--allow-origin *").unwrap().origins, Origins::Any);
}

#[test]
fn a_send_buffer_is_a_size_in_its_range() {
    assert_eq!(parse("--send-buffer-bytes 1MiB").unwrap().send_buffer_bytes, 1024 * 1024);
    for wrong in ["0", "1B", "2GiB", "large"] {
        refusal(&format!("--send-buffer-bytes {wrong}"));
    }
}

#[test]
fn a_secret_for_tokens_is_long_enough_and_never_shown() {
    assert!(matches!(parse("").unwrap().access, Access::Anonymous));
    let secret = "0123456789abcdef0123456789abcdef";
    let options = parse(&format!("--token-hmac-secret {secret}")).unwrap();
    assert!(matches!(options.access, Access::Tokens(_)));
    assert!(!format!("{options:?}").contains(secret));
    let refused = refusal("--token-hmac-secret guessable");
    assert!(refused.contains("--token-hmac-secret: it has 9 bytes"), "{refused}");
    assert!(!refused.contains("guessable"), "{refused}");
}

#[test]
fn settings_that_contradict_each_other_end_with_a_usage_error() {
    let refused = refusal("--message-bytes-max 8MiB");
    assert!(refused.contains("--outbox-bytes-max is 4MiB, but must be at least"), "{refused}");
}

#[test]
fn a_journal_is_kept_only_if_asked_for() {
    assert_eq!(parse("").unwrap().recording, None);
    let recording = |args| parse(args).unwrap().recording.unwrap();
    assert_eq!(recording("--journal dir"), Recording::new("dir"));
    let other = recording("--journal dir --journal-bytes-max 1MiB --journal-payloads omit");
    assert_eq!((other.journal_bytes_max, other.payloads), (1 << 20, Payloads::Omitted));
    refusal("--journal dir --journal-bytes-max 1KiB");
    refusal("--journal-payloads omit");
}

#[test]
fn a_replay_is_a_task_of_its_own() {
    assert!(matches!(task("replay file --stop-at 3 --conn 0.5v1"), Ok(Task::Replay(_))));
    assert!(matches!(task("replay file --summary"), Ok(Task::Replay(_))));
    assert!(matches!(task("replay file --list --conn 0.5v1"), Ok(Task::Replay(_))));
    for wrong in [
        "replay",
        "replay f --stop-at 0",
        "replay f --conn 5",
        "replay f --summary --conn 0.5v1",
        "replay f --summary --list",
        "replay f --list --stop-at 3",
    ] {
        refusal_of_task(wrong);
    }
    refusal_of_task("--shards 2 replay file");
}

fn refusal_of_task(args: &str) {
    assert_eq!(task(args).unwrap_err().exit_code(), 2, "{args}");
}

#[test]
fn unknown_options_and_filters_are_refused() {
    refusal("--ping-intervall 1s");
    for filter in ["fanlight=loud", "loud", "warn,"] {
        assert!(refusal(&format!("--log {filter}")).contains("--log"), "{filter}");
    }
    refusal("--allow-origin example.com");
    refusal("--allow-origin null");
}

#[test]
fn the_help_shows_each_setting_with_its_unit_and_default() {
    let help = parse("--help").unwrap_err().to_string();
    for part in
        ["--ping-interval <TIME>", "[default: 25s; from 1ms to 1h]", "--send-buffer-bytes <BYTES>"]
    {
        assert!(help.contains(part), "{part}");
    }
}
