//! Values of settings as a person writes and reads them: `25s`, `1MiB`, `20`.

use bytesize::ByteSize;
use fanlight_core::{Setting, Unit, Value};

/// Why a value was not taken. The caller is at fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum QuantityError {
    #[error("{0}; a time is written as in 25s, 1m30s or 500ms")]
    Time(#[from] humantime::DurationError),
    #[error("not a size; it is written as in 65536, 64KiB or 1MiB")]
    Bytes,
    #[error("not a whole number")]
    Number,
    #[error("must be yes or no")]
    Switch,
    #[error("must be from {min} to {max}")]
    OutOfRange { min: String, max: String },
}

/// Reads a value for `setting`.
///
/// # Errors
///
/// If `text` is not a quantity of the setting's unit, or is outside its range.
pub(crate) fn parse(setting: &Setting, text: &str) -> Result<Value, QuantityError> {
    let value = match setting.unit {
        Unit::Time => Value::Time(humantime::parse_duration(text)?),
        Unit::Bytes => {
            let size = text.parse::<ByteSize>().map_err(|_| QuantityError::Bytes)?;
            Value::Number(size.as_u64())
        }
        Unit::Switch => match text {
            "yes" => Value::Number(1),
            "no" => Value::Number(0),
            _ => return Err(QuantityError::Switch),
        },
        Unit::Count | Unit::Percent => {
            Value::Number(text.parse().map_err(|_| QuantityError::Number)?)
        }
    };
    if (setting.min..=setting.max).contains(&value) {
        Ok(value)
    } else {
        Err(QuantityError::OutOfRange {
            min: show(setting.unit, setting.min),
            max: show(setting.unit, setting.max),
        })
    }
}

/// Writes a value so that [`parse`] reads the same again.
pub(crate) fn show(unit: Unit, value: Value) -> String {
    match (unit, value) {
        (_, Value::Time(time)) => humantime::format_duration(time).to_string(),
        (Unit::Bytes, Value::Number(bytes)) => {
            let short = format!("{:.0}", ByteSize(bytes).display().iec()).replace(' ', "");
            // Only where rounding loses nothing.
            if short.parse() == Ok(ByteSize(bytes)) { short } else { format!("{bytes}B") }
        }
        (Unit::Switch, Value::Number(0)) => "no".to_owned(),
        (Unit::Switch, Value::Number(_)) => "yes".to_owned(),
        (Unit::Time | Unit::Count | Unit::Percent, Value::Number(number)) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanlight_core::Settings;

    use super::*;

    fn setting(name: &str) -> &'static Setting {
        Settings::ALL.iter().find(|setting| setting.name == name).unwrap()
    }

    #[test]
    fn defaults_and_limits_are_read_as_they_are_shown() {
        for setting in Settings::ALL {
            for value in [setting.default, setting.min, setting.max] {
                let shown = show(setting.unit, value);
                assert_eq!(parse(setting, &shown), Ok(value), "{} as {shown}", setting.name);
            }
        }
    }

    #[test]
    fn sizes_are_shown_short_only_if_exact() {
        assert_eq!(show(Unit::Bytes, Value::Number(1024 * 1024)), "1MiB");
        assert_eq!(show(Unit::Bytes, Value::Number(1024 * 1024 + 1)), "1048577B");
        assert_eq!(show(Unit::Bytes, Value::Number(255)), "255B");
    }

    #[test]
    fn times_and_sizes_take_their_usual_suffixes() {
        let ping_interval = setting("ping_interval");
        assert_eq!(parse(ping_interval, "1m30s"), Ok(Value::Time(Duration::from_secs(90))));
        let message_bytes_max = setting("message_bytes_max");
        assert_eq!(parse(message_bytes_max, "65536"), Ok(Value::Number(65_536)));
        assert_eq!(parse(message_bytes_max, "64KiB"), Ok(Value::Number(65_536)));
    }

    #[test]
    fn a_value_that_is_no_quantity_of_the_unit_is_refused() {
        for (name, text) in [
            ("ping_interval", "25"),
            ("ping_interval", "soon"),
            ("message_bytes_max", "1 metre"),
            ("message_bytes_max", "-1"),
            ("connections_max", "1.5"),
            ("ping_jitter_percent", "20%"),
        ] {
            assert!(parse(setting(name), text).is_err(), "{name} {text}");
        }
    }

    #[test]
    fn a_value_outside_the_range_is_refused_with_the_range() {
        let refused = parse(setting("ping_jitter_percent"), "200").unwrap_err();
        assert_eq!(refused.to_string(), "must be from 0 to 90");
    }
}
