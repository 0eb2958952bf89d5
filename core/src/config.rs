//! Every bound and timeout of a hub, stated and checked in one place.

use std::{fmt, ops::Deref, time::Duration};

use crate::{id::CONNECTIONS_PER_HUB, wire::Deflater};

/// What a setting is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Time.
    Time,
    /// Bytes.
    Bytes,
    /// A plain number of things.
    Count,
    /// Hundredths of the whole.
    Percent,
    /// Yes, which is 1, or no, which is 0.
    Switch,
}

/// The value of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Value {
    /// A length of time.
    Time(Duration),
    /// A number, in the unit of the setting.
    Number(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{time:?}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// One setting as a row of a table, for programs that offer all settings as options.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name, as in [`Settings`].
    pub name: &'static str,
    /// What it bounds, in sentences.
    pub about: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The default.
    pub default: Value,
    /// The smallest value allowed.
    pub min: Value,
    /// The largest value allowed.
    pub max: Value,
}

/// Why settings were refused. The caller is at fault; nothing was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value outside its range.
    #[error("{field} is {value}, but must be from {min} to {max}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// What it was set to.
        value: String,
        /// The smallest value allowed.
        min: String,
        /// The largest value allowed.
        max: String,
    },
    /// Two values that do not go together.
    #[error("{field} is {value}, but must be at least {other}, which is {bound}")]
    BelowOther {
        /// The setting that is too small.
        field: &'static str,
        /// What it was set to.
        value: u64,
        /// The setting that it must reach.
        other: &'static str,
        /// What that one is.
        bound: u64,
    },
    /// There is no setting of this name, or it has another unit.
    #[error("there is no setting {name:?} that takes {value}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The value that it was to have.
        value: String,
    },
}

/// A number, or so many of a unit.
macro_rules! quantity {
    ($value:literal) => {
        $value
    };
    ($count:literal KiB) => {
        $count * 1024_usize
    };
    ($count:literal MiB) => {
        $count * (1024 * 1024_usize)
    };
    ($count:literal GiB) => {
        $count * (1024 * 1024 * 1024_usize)
    };
    ($count:literal ms) => {
        Duration::from_millis($count)
    };
    ($count:literal s) => {
        Duration::from_secs($count)
    };
    ($count:literal h) => {
        Duration::from_secs($count * 3600)
    };
}

macro_rules! settings {
    (@unit Time) => { Duration };
    (@unit Switch) => { bool };
    (@unit $number:ident) => { usize };
    (@value Time, $value:expr) => { Value::Time($value) };
    (@value Switch, $value:expr) => { Value::Number($value as u64) };
    (@value $number:ident, $value:expr) => {{ let number: usize = $value; Value::Number(number as u64) }};
    (@set Time, $slot:expr, $value:expr) => {
        match $value { Value::Time(time) => { $slot = time; true } Value::Number(_) => false }
    };
    (@set Switch, $slot:expr, $value:expr) => {
        match $value {
            Value::Number(number @ 0..=1) => { $slot = number == 1; true }
            Value::Number(_) | Value::Time(_) => false,
        }
    };
    (@set $number:ident, $slot:expr, $value:expr) => {
        match $value {
            Value::Time(_) => false,
            Value::Number(number) => { $slot = usize::try_from(number).unwrap_or(usize::MAX); true }
        }
    };
    ($($(#[doc = $about:literal])+ $name:ident: $unit:ident =
        $default:literal $($default_unit:ident)?,
        $min:literal $($min_unit:ident)? => $max:literal $($max_unit:ident)?;
    )+) => {
        /// Every bound and timeout of a hub, before it is checked.
        ///
        /// Set the fields that matter, take the rest from [`Default`], and turn the whole into a
        /// [`Config`]:
        ///
        /// ```
        /// use std::time::Duration;
        /// use fanlight_core::{Config, Settings};
        ///
        /// let config = Config::new(Settings {
        ///     ping_interval: Duration::from_secs(60),
        ///     ..Settings::default()
        /// });
        /// assert!(config.is_ok());
        ///
        /// let refused = Config::new(Settings { ping_jitter_percent: 200, ..Settings::default() });
        /// assert_eq!(
        ///     refused.unwrap_err().to_string(),
        ///     "ping_jitter_percent is 200, but must be from 0 to 90",
        /// );
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $(
                $(#[doc = $about])+
                #[doc = ""]
                #[doc = concat!(
                    "Default ", stringify!($default $($default_unit)?),
                    "; from ", stringify!($min $($min_unit)?),
                    " to ", stringify!($max $($max_unit)?), "."
                )]
                pub $name: settings!(@unit $unit),
            )+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: quantity!($default $($default_unit)?),)+ }
            }
        }

        impl Settings {
            /// All settings, in the order of their declaration.
            pub const ALL: &[Setting] = &[
                $(Setting {
                    name: stringify!($name),
                    about: concat!($($about),+),
                    unit: Unit::$unit,
                    default: settings!(@value $unit, quantity!($default $($default_unit)?)),
                    min: settings!(@value $unit, quantity!($min $($min_unit)?)),
                    max: settings!(@value $unit, quantity!($max $($max_unit)?)),
                },)+
            ];

            /// Sets one setting by its name.
            ///
            /// # Errors
            ///
            /// [`ConfigError::Unknown`] if there is no such setting, or it takes the other kind of
            /// value. The range is checked later, by [`Config::new`].
            pub fn set(&mut self, name: &str, value: Value) -> Result<(), ConfigError> {
                let taken = match name {
                    $(stringify!($name) => settings!(@set $unit, self.$name, value),)+
                    _ => false,
                };
                taken.then_some(()).ok_or_else(|| ConfigError::Unknown {
                    name: name.to_owned(),
                    value: value.to_string(),
                })
            }

            /// Names and values, in the order of their declaration.
            pub fn values(&self) -> impl Iterator<Item = (&'static str, Value)> + use<> {
                [$((stringify!($name), settings!(@value $unit, self.$name)),)+].into_iter()
            }

            fn check_ranges(&self) -> Result<(), ConfigError> {
                $(if !(quantity!($min $($min_unit)?)..=quantity!($max $($max_unit)?)).contains(&self.$name) {
                    return Err(ConfigError::OutOfRange {
                        field: stringify!($name),
                        value: settings!(@value $unit, self.$name).to_string(),
                        min: settings!(@value $unit, quantity!($min $($min_unit)?)).to_string(),
                        max: settings!(@value $unit, quantity!($max $($max_unit)?)).to_string(),
                    });
                })+
                Ok(())
            }
        }
    };
}

// The table says it as a number, which is what the documentation is to show.
const _: () = assert!(CONNECTIONS_PER_HUB == 16_777_215);

settings! {
    /// Most connections that a shard holds at once, in whatever state.
    connections_max: Count = 1_000_000, 1 => 16_777_215;
    /// Most connections of a shard that have not finished their upgrade at once.
    upgrading_max: Count = 10_000, 1 => 16_777_215;
    /// Most connections of a shard from one address; an IPv6 address counts with its /64.
    connections_per_address_max: Count = 1_000_000, 1 => 16_777_215;

    /// Longest request head of an upgrade; past it the answer is 431. At least
    /// `request_line_bytes_max`.
    head_bytes_max: Bytes = 16 KiB, 256 => 1 MiB;
    /// Longest first line of a request head; past it the answer is 414.
    request_line_bytes_max: Bytes = 8 KiB, 64 => 1 MiB;
    /// Most header lines of a request head; past it the answer is 431.
    headers_max: Count = 100, 4 => 100;
    /// How long a peer may take from being accepted to the end of its request head.
    upgrade_timeout: Time = 10 s, 1 ms => 1 h;
    /// How long the service may take to answer a request.
    decision_timeout: Time = 10 s, 1 ms => 1 h;

    /// Longest message that a peer may send, all its fragments together; past it 1009. With 10 bytes
    /// of header it must fit `outbox_bytes_max`, with 256 of overhead `assembly_bytes_max`; where
    /// messages may be compressed, with an eighth more and 320. Of a compressed message it is the length
    /// that it inflates to.
    message_bytes_max: Bytes = 1 MiB, 1 => 1 GiB;
    /// Whether a frame's length may be written longer than it must. RFC 6455, section 5.2 forbids it,
    /// and a frame that does is answered with 1002; few clients do.
    overlong_lengths: Switch = false, false => true;
    /// How long a peer may take from the first byte of a message to its last; past it 1008.
    message_timeout: Time = 60 s, 1 ms => 1 h;
    /// Most bytes of unfinished messages that a shard holds at once, counted with the room that is made
    /// for a whole frame once a 64th of it has come; past it 1013 for the message that grew.
    assembly_bytes_max: Bytes = 256 MiB, 1 => 64 GiB;
    /// Most frames a second that a peer may send, control and empty ones included, and twice as
    /// many at once; past it the peer is read more slowly.
    inbound_frames_per_second_max: Count = 100_000, 1 => 1_000_000_000;

    /// How hard messages are compressed for peers that offer permessage-deflate (RFC 7692): from 1,
    /// the fastest, to 9, the smallest. With 0 the extension is declined.
    deflate_level: Count = 0, 0 => 9;
    /// Shortest message that is worth compressing.
    deflate_bytes_min: Bytes = 256, 0 => 1 GiB;

    /// How long a peer may be silent before it is sent a ping.
    ping_interval: Time = 25 s, 1 ms => 1 h;
    /// How much earlier than `ping_interval` a ping may come, drawn anew for each.
    ping_jitter_percent: Percent = 20, 0 => 90;
    /// How long after a ping has left a peer may stay silent.
    pong_timeout: Time = 10 s, 1 ms => 1 h;

    /// Most bytes of messages that wait for one connection; past it the connection is closed with
    /// 1013. At least `message_bytes_max` with 10 bytes of header. Up to 4 KiB of pings and pongs and
    /// the answer to the request come on top.
    outbox_bytes_max: Bytes = 4 MiB, 1 => 4_294_967_295;
    /// Most messages that wait for one connection; past it the connection is closed with 1013.
    outbox_messages_max: Count = 16_384, 1 => 1_073_741_824;
    /// Most bytes of queued messages that a shard holds at once, each counted once however many
    /// connections wait for it; past it those for whom the most waits are closed with 1013. At
    /// least `outbox_bytes_max`.
    frames_bytes_max: Bytes = 1 GiB, 1 => 1024 GiB;
    /// How long a socket may take not one byte while something waits for it.
    stall_timeout: Time = 30 s, 1 ms => 1 h;

    /// How long the last words and the peer's Close may take, once a connection closes.
    close_timeout: Time = 5 s, 1 ms => 1 h;
    /// How long input is read and discarded after our half is shut down.
    linger_timeout: Time = 1 s, 1 ms => 1 h;
    /// Most bytes that are read and discarded after our half is shut down.
    linger_bytes_max: Bytes = 64 KiB, 0 => 1 GiB;

    /// Most topics that one connection may be a member of. Joining and leaving walk its list.
    subscriptions_max: Count = 128, 1 => 4096;
    /// Most topics that a shard knows at once, as a place of members or as a home.
    topics_max: Count = 1_000_000, 1 => 16_777_216;
    /// Longest name of a topic or of a user.
    topic_bytes_max: Bytes = 255, 1 => 64 KiB;

    /// Bytes that one shard may have sent to another and not yet seen handled, before the
    /// connections whose input caused them are paused; at twice as many a publish is refused.
    parcel_bytes_max: Bytes = 4 MiB, 1 KiB => 1 GiB;
    /// Most bytes that wait in a shard's mailbox for what handles asked; past it they are refused.
    mailbox_bytes_max: Bytes = 16 MiB, 1 KiB => 64 GiB;

    /// Most bytes that are taken from a socket at once. In the midst of a frame what that lacks comes
    /// on top, four times as many at most: so large is a shard's one read buffer. What
    /// one read causes is worked off before the next is made, so where peers publish to very many
    /// this bounds how long one of them can hold up its shard.
    read_bytes_max: Bytes = 16 KiB, 512 => 16 MiB;
    /// How much later than a deadline a tick may come before the time in between is taken as one
    /// in which nobody was served.
    late_max: Time = 1 s, 1 ms => 1 h;
}

/// Settings that have been checked.
///
/// Reads like [`Settings`], and cannot hold what [`Config::new`] refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config(Settings);

impl Config {
    /// Checks `settings`, each against its range and some against each other.
    ///
    /// # Errors
    ///
    /// The first setting found wrong, with its value and what is allowed.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        settings.check_ranges()?;
        let frame_bytes_max = settings.message_bytes_max + crate::wire::HEADER_BYTES_MAX;
        // What does not get shorter when it is compressed gets longer.
        let deflated_bytes_max = match settings.deflate_level {
            0 => settings.message_bytes_max,
            _ => crate::wire::deflated_bytes_max(settings.message_bytes_max),
        };
        for (field, value, other, bound) in [
            // A message that may come in must be able to go out again.
            (
                "outbox_bytes_max",
                settings.outbox_bytes_max,
                "message_bytes_max with 10 bytes of header",
                frame_bytes_max,
            ),
            (
                "frames_bytes_max",
                settings.frames_bytes_max,
                "outbox_bytes_max",
                settings.outbox_bytes_max,
            ),
            (
                "assembly_bytes_max",
                settings.assembly_bytes_max,
                "message_bytes_max with 256 bytes of its assembly",
                settings.message_bytes_max + 256,
            ),
            (
                "assembly_bytes_max",
                settings.assembly_bytes_max,
                "message_bytes_max, an eighth of it more as it may be compressed, and 320 bytes",
                deflated_bytes_max + 256,
            ),
            (
                "head_bytes_max",
                settings.head_bytes_max,
                "request_line_bytes_max",
                settings.request_line_bytes_max,
            ),
        ] {
            if value < bound {
                let (value, bound) = (value as u64, bound as u64);
                return Err(ConfigError::BelowOther { field, value, other, bound });
            }
        }
        Ok(Self(settings))
    }
}

impl Config {
    /// How messages are compressed.
    pub(crate) fn deflater(&self) -> Deflater {
        Deflater { level: self.deflate_level as u8, bytes_min: self.deflate_bytes_min }
    }
}

impl Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert!(Config::new(Settings::default()).is_ok());
    }

    #[test]
    fn every_setting_is_refused_just_outside_its_range() {
        for setting in Settings::ALL.iter().filter(|setting| setting.unit != Unit::Switch) {
            let outside = match setting.max {
                Value::Time(time) => Value::Time(time + Duration::from_nanos(1)),
                Value::Number(number) => Value::Number(number + 1),
            };
            let mut settings = Settings::default();
            settings.set(setting.name, outside).unwrap();
            let refused = Config::new(settings).unwrap_err().to_string();
            assert!(refused.starts_with(setting.name), "{refused}");
            assert!(refused.contains(&outside.to_string()), "{refused}");
            assert!(refused.contains(&setting.max.to_string()), "{refused}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off() {
        let mut settings = Settings::default();
        settings.set("overlong_lengths", Value::Number(1)).unwrap();
        assert!(settings.overlong_lengths);
        assert!(settings.set("overlong_lengths", Value::Number(2)).is_err());
        assert!(settings.set("overlong_lengths", Value::Time(Duration::ZERO)).is_err());
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let settings = Settings { outbox_bytes_max: 1 << 20, ..Settings::default() };
        assert!(matches!(
            Config::new(settings),
            Err(ConfigError::BelowOther { field: "outbox_bytes_max", .. })
        ));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_unknown() {
        let mut settings = Settings::default();
        assert!(settings.set("ping_interval", Value::Number(1)).is_err());
        assert!(settings.set("nonsense", Value::Number(1)).is_err());
    }
}
