//! An option for every setting of the hub, made from the hub's own table.

use clap::{Arg, ArgAction, ArgMatches};
use fanlight_core::{Config, ConfigError, Setting, Settings, Unit, Value};
use fanlight_driver::SEND_BUFFER_BYTES_DEFAULT;

use crate::quantity;

/// A setting of the sockets, of which the hub knows nothing.
const SEND_BUFFER_BYTES: &Setting = &Setting {
    name: "send_buffer_bytes",
    about: "The kernel's send buffer of each socket, of which Linux takes twice as much. What is in \
            it is no longer seen by `outbox_bytes_max` and `stall_timeout`.",
    unit: Unit::Bytes,
    default: Value::Number(SEND_BUFFER_BYTES_DEFAULT as u64),
    min: Value::Number(4 * 1024),
    max: Value::Number(1024 * 1024 * 1024),
};

/// Half of the way to the smallest, as most programs have it.
const DEFLATE_LEVEL_IF_NOT_SAID: &str = "6";

/// One option for each setting, in the order of the table, and those of the sockets.
pub(crate) fn args() -> impl Iterator<Item = Arg> {
    Settings::ALL.iter().chain([SEND_BUFFER_BYTES]).map(|setting| {
        let arg = Arg::new(setting.name)
            .long(dashed(setting.name))
            .value_name(unit_name(setting.unit))
            .help(format!("{} {}", about(setting), range(setting)))
            .long_help(format!("{}\n\n{}", about(setting), range(setting)))
            .help_heading("Bounds and timeouts, each of every shard")
            .action(ArgAction::Set)
            .value_parser(move |text: &str| quantity::parse(setting, text));
        match setting.name {
            "deflate_level" => arg
                .visible_alias("deflate")
                .num_args(0..=1)
                .default_missing_value(DEFLATE_LEVEL_IF_NOT_SAID),
            _ if setting.unit == Unit::Switch => arg.num_args(0..=1).default_missing_value("yes"),
            _ => arg,
        }
    })
}

/// How large the kernel's send buffer of each socket is to be.
pub(crate) fn send_buffer_bytes(matches: &ArgMatches) -> usize {
    match matches.get_one::<Value>(SEND_BUFFER_BYTES.name) {
        Some(Value::Number(bytes)) => usize::try_from(*bytes).unwrap_or(usize::MAX),
        Some(Value::Time(_)) | None => SEND_BUFFER_BYTES_DEFAULT,
    }
}

/// The config that `matches` asks for: what was not given has its default.
///
/// # Errors
///
/// If a value is outside its range, or two contradict each other.
pub(crate) fn config(matches: &ArgMatches) -> Result<Config, ConfigError> {
    let mut settings = Settings::default();
    for setting in Settings::ALL {
        if let Some(value) = matches.get_one::<Value>(setting.name) {
            settings.set(setting.name, *value)?;
        }
    }
    Config::new(settings)
}

/// Says what is wrong in the words of the command line: options, and values as they are typed.
pub(crate) fn explain(wrong: &ConfigError) -> String {
    match wrong {
        ConfigError::BelowOther { field, value, other, bound } => {
            let [value, bound] = [value, bound].map(|number| {
                let unit = setting(field).map_or(Unit::Count, |setting| setting.unit);
                quantity::show(unit, Value::Number(*number))
            });
            let [field, other] = [field, other].map(|text| with_options(text));
            format!("{field} is {value}, but must be at least {other}, which is {bound}")
        }
        ConfigError::OutOfRange { .. } | ConfigError::Unknown { .. } => {
            with_options(&wrong.to_string())
        }
    }
}

/// `text`, with options for the words that are settings.
fn with_options(text: &str) -> String {
    let words = text.split(' ').map(|word| match setting(word) {
        Some(setting) => format!("--{}", dashed(setting.name)),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn setting(name: &str) -> Option<&'static Setting> {
    Settings::ALL.iter().find(|setting| setting.name == name)
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "TIME",
        Unit::Bytes => "BYTES",
        Unit::Count => "COUNT",
        Unit::Percent => "PERCENT",
        Unit::Switch => "YES|NO",
    }
}

/// The table's own words, with options where it names settings.
fn about(setting: &Setting) -> String {
    let mut about = setting.about.trim().to_owned();
    for other in Settings::ALL {
        about = about.replace(&format!("`{}`", other.name), &format!("--{}", dashed(other.name)));
    }
    about
}

fn range(setting: &Setting) -> String {
    let show = |value| quantity::show(setting.unit, value);
    let [default, min, max] = [setting.default, setting.min, setting.max].map(show);
    let (from, to) = if setting.unit == Unit::Switch { ("", "or") } else { ("from ", "to") };
    format!("[default: {default}; {from}{min} {to} {max}]")
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn config_of(args: &[&str]) -> Result<Config, String> {
        let matches = Command::new("test")
            .no_binary_name(true)
            .args(super::args())
            .try_get_matches_from(args)
            .map_err(|error| error.to_string())?;
        config(&matches).map_err(|error| explain(&error))
    }

    #[test]
    fn without_options_the_config_is_the_default() {
        assert_eq!(config_of(&[]), Ok(Config::default()));
    }

    #[test]
    fn every_setting_can_be_reached() {
        // All at their smallest at once, since single ones would contradict the others' defaults.
        let mut expected = Settings::default();
        let mut args = Vec::new();
        for setting in Settings::ALL {
            let value = match setting.name {
                // Those that others must fit into.
                "outbox_bytes_max" | "frames_bytes_max" | "assembly_bytes_max"
                | "head_bytes_max" => setting.max,
                _ => setting.min,
            };
            expected.set(setting.name, value).unwrap();
            args.push(format!("--{}", dashed(setting.name)));
            args.push(quantity::show(setting.unit, value));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(config_of(&args), Ok(Config::new(expected).unwrap()));
    }

    #[test]
    fn every_setting_is_refused_just_outside_its_range_by_name_value_and_range() {
        for setting in Settings::ALL.iter().filter(|setting| setting.unit != Unit::Switch) {
            let outside = match setting.max {
                Value::Time(time) => {
                    format!("{}ns", (time + std::time::Duration::from_nanos(1)).as_nanos())
                }
                Value::Number(number) => (number + 1).to_string(),
            };
            let option = dashed(setting.name);
            let refused = config_of(&[&format!("--{option}"), &outside]).unwrap_err();
            let range = format!(
                "must be from {} to {}",
                quantity::show(setting.unit, setting.min),
                quantity::show(setting.unit, setting.max)
            );
            for part in [&option, &outside, &range] {
                assert!(refused.contains(part.as_str()), "{refused:?} lacks {part:?}");
            }
        }
    }

    #[test]
    fn a_switch_needs_no_value() {
        let is_on = |args| config_of(args).unwrap().overlong_lengths;
        assert!(!is_on(&[]) && !is_on(&["--overlong-lengths", "no"]));
        assert!(is_on(&["--overlong-lengths"]) && is_on(&["--overlong-lengths=yes"]));
        assert!(config_of(&["--overlong-lengths=1"]).unwrap_err().contains("yes or no"));
    }

    #[test]
    fn deflate_can_be_asked_for_without_a_level() {
        let level = |args| config_of(args).unwrap().deflate_level;
        assert_eq!(level(&[]), 0);
        assert_eq!(level(&["--deflate"]), 6);
        assert_eq!(level(&["--deflate", "--ping-interval", "1s"]), 6);
        assert_eq!(level(&["--deflate-level", "9"]), 9);
        assert!(config_of(&["--deflate=10"]).unwrap_err().contains("from 0 to 9"));
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let refused = config_of(&["--message-bytes-max", "8MiB"]).unwrap_err();
        assert_eq!(
            refused,
            "--outbox-bytes-max is 4MiB, but must be at least --message-bytes-max with 10 bytes of \
             header, which is 8388618B"
        );
        let refused = config_of(&["--request-line-bytes-max", "32KiB"]).unwrap_err();
        assert_eq!(
            refused,
            "--head-bytes-max is 16KiB, but must be at least --request-line-bytes-max, which is 32KiB"
        );
    }

    #[test]
    fn the_help_names_other_settings_as_options() {
        let jitter = Settings::ALL.iter().find(|s| s.name == "ping_jitter_percent").unwrap();
        assert!(about(jitter).contains("--ping-interval"), "{}", about(jitter));
        assert_eq!(range(jitter), "[default: 20; from 0 to 90]");
    }
}
