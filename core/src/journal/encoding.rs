//! How values are written: by hand, one table a type for both directions.
//!
//! Plain bytes, little-endian; numbers that are mostly small take as many bytes as they need. The
//! digest hashes the same bytes that the journal keeps. No `Hash` and no `Serialize` is derived for
//! it: the one may change with the compiler, and the other would let anybody forge what only a
//! hub or a request can make.

use std::time::Duration;

/// Takes encoded bytes.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    fn put_byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Seven bits a byte, the lowest first (LEB128).
    fn put_number(&mut self, mut number: u64) {
        let mut room = [0; 10];
        let mut length = 0;
        loop {
            room[length] = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                break;
            }
            room[length] |= 0x80;
            length += 1;
        }
        self.put(&room[..=length]);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The bytes are not what was written: the file was changed, or made by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Gives encoded bytes back. Nothing that it gives is larger than what is in it.
#[derive(Debug)]
pub(crate) struct Source<'a>(&'a mut [u8]);

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a mut [u8], Malformed> {
        let (taken, rest) =
            std::mem::take(&mut self.0).split_at_mut_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }
}

pub(crate) trait Encode {
    fn encode(&self, sink: &mut impl Sink);
}

pub(crate) trait Decode<'a>: Sized {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed>;
}

/// Both directions of a type, from one table of its fields or variants.
macro_rules! encoding {
    (struct $type:ty { $($field:ident),+ }) => {
        impl Encode for $type {
            fn encode(&self, sink: &mut impl Sink) {
                let Self { $($field),+ } = self;
                $(Encode::encode($field, sink);)+
            }
        }

        impl<'a> Decode<'a> for $type {
            fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Decode::decode(source)?),+ })
            }
        }
    };
    (enum $type:ident { $($table:tt)+ }) => {
        encoding! { enum<'a> $type { $($table)+ } }
    };
    (enum<$from:lifetime> $type:ty {
        $($tag:literal => $variant:ident $(($($part:ident),+))? $({$($field:ident),+})?;)+
    }) => {
        impl<$from> Encode for $type {
            fn encode(&self, sink: &mut impl Sink) {
                match self {
                    $(Self::$variant $(($($part),+))? $({$($field),+})? => {
                        sink.put_byte($tag);
                        $($(Encode::encode($part, sink);)+)?
                        $($(Encode::encode($field, sink);)+)?
                    })+
                }
            }
        }

        impl<$from> Decode<$from> for $type {
            fn decode(source: &mut Source<$from>) -> Result<Self, Malformed> {
                Ok(match source.byte()? {
                    $($tag => {
                        $($(let $part = Decode::decode(source)?;)+)?
                        $($(let $field = Decode::decode(source)?;)+)?
                        Self::$variant $(($($part),+))? $({$($field),+})?
                    })+
                    _ => return Err(Malformed),
                })
            }
        }
    };
}
pub(crate) use encoding;

impl Encode for bool {
    fn encode(&self, sink: &mut impl Sink) {
        sink.put_byte(u8::from(*self));
    }
}

impl Decode<'_> for bool {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        match source.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

macro_rules! numbers {
    ($($number:ty)+) => {
        $(
            impl Encode for $number {
                fn encode(&self, sink: &mut impl Sink) {
                    sink.put_number(u64::try_from(*self).expect("no number has more than 64 bits"));
                }
            }

            impl Decode<'_> for $number {
                fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
                    Self::try_from(source.number()?).map_err(|_| Malformed)
                }
            }
        )+
    };
}

numbers! { u8 u16 u32 u64 usize }

impl Encode for [u8] {
    fn encode(&self, sink: &mut impl Sink) {
        self.len().encode(sink);
        sink.put(self);
    }
}

impl Encode for &mut [u8] {
    fn encode(&self, sink: &mut impl Sink) {
        <[u8]>::encode(self, sink);
    }
}

/// Where it lies in the source: nothing is copied.
impl<'a> Decode<'a> for &'a mut [u8] {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
        let length = usize::decode(source)?;
        source.bytes(length)
    }
}

impl Encode for Vec<u8> {
    fn encode(&self, sink: &mut impl Sink) {
        self.as_slice().encode(sink);
    }
}

impl Decode<'_> for Vec<u8> {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        <&mut [u8]>::decode(source).map(|bytes| bytes.to_vec())
    }
}

impl Encode for str {
    fn encode(&self, sink: &mut impl Sink) {
        self.as_bytes().encode(sink);
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
        str::from_utf8(<&mut [u8]>::decode(source)?).map_err(|_| Malformed)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, sink: &mut impl Sink) {
        self.is_some().encode(sink);
        if let Some(value) = self {
            value.encode(sink);
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
        bool::decode(source)?.then(|| T::decode(source)).transpose()
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self, sink: &mut impl Sink) {
        T::encode(self, sink);
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Box<T> {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
        T::decode(source).map(Self::new)
    }
}

impl Encode for Duration {
    fn encode(&self, sink: &mut impl Sink) {
        self.as_secs().encode(sink);
        self.subsec_nanos().encode(sink);
    }
}

impl Decode<'_> for Duration {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        let secs = Decode::decode(source)?;
        let nanos = u32::decode(source)?;
        if nanos >= 1_000_000_000 {
            return Err(Malformed);
        }
        Ok(Self::new(secs, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        for (number, length) in
            [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (u64::MAX, 10)]
        {
            let mut bytes = Vec::new();
            number.encode(&mut bytes);
            assert_eq!(bytes.len(), length, "{number}");
            assert_eq!(u64::decode(&mut Source::new(&mut bytes)), Ok(number));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_malformed() {
        for bytes in [&[0x80; 11][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert_eq!(Source::new(&mut bytes.to_vec()).number(), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(u8::decode(&mut Source::new(&mut [0x80, 2])), Err(Malformed));
    }

    #[test]
    fn a_length_past_the_end_takes_nothing() {
        let mut bytes = Vec::new();
        u64::MAX.encode(&mut bytes);
        assert_eq!(Vec::<u8>::decode(&mut Source::new(&mut bytes)), Err(Malformed));
        assert_eq!(bool::decode(&mut Source::new(&mut [2])), Err(Malformed));
        assert_eq!(<&str>::decode(&mut Source::new(&mut [1, 0xff])), Err(Malformed));
        assert_eq!(
            Duration::decode(&mut Source::new(&mut [1, 0x80, 0x94, 0xeb, 0xdc, 3])),
            Err(Malformed)
        );
    }
}
