//! Terraform's object wire format: values in `MessagePack`, directed by their type.

#[cfg(test)]
mod tests;

use crate::framework::number::Number;
use crate::framework::path::Place;
use crate::framework::schema::Type;
use crate::framework::value::{TypeError, Value};
use rmp::Marker;
use rmp::encode as write;
use std::collections::BTreeMap;

/// Reads a value of this type. Any bytes at all are safe to read: what is no such value is an error that names
/// the attribute.
///
/// Nothing recurses or allocates beyond what the type and the length of `bytes` allow: each element of a list takes
/// one byte at least, and only members that the type knows are read.
pub fn decode(bytes: &[u8], r#type: &Type) -> Result<Value, TypeError> {
    let mut reader = Reader(bytes);
    let value = reader.value(r#type, Place::Root)?;
    match reader.0 {
        [] => Ok(value),
        rest => Err(TypeError::at(
            Place::Root,
            format!("{} bytes follow the value", rest.len()),
        )),
    }
}

/// Writes a value in the form that core's own encoder gives it.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, value);
    bytes
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn value(&mut self, r#type: &Type, place: Place<'_>) -> Result<Value, TypeError> {
        let marker = Marker::from_u8(self.byte(place)?);
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(length) = self.extension_length(marker, place)? {
            // Refinements (extension 12) narrow what an unknown value can become; dropping them is allowed, and
            // extensions of later versions must read as unknown too.
            self.take(length, place)?;
            return Ok(Value::Unknown);
        }
        match r#type {
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(mismatch(r#type, marker, place)),
            },
            Type::Number => self.number(marker, place),
            Type::String => match self.text(marker, place)? {
                Some(text) => Ok(Value::String(text.to_owned())),
                None => Err(mismatch(r#type, marker, place)),
            },
            Type::List(element) => self.elements(marker, element, r#type, place),
            Type::Set(element) => {
                self.elements(marker, element, r#type, place)
                    .map(|set| match set {
                        Value::List(elements) => Value::set(elements),
                        other => other,
                    })
            }
            Type::Map(element) => self.map(marker, element, place),
            Type::Object(types) => self.object(marker, types, place),
        }
    }

    fn number(&mut self, marker: Marker, place: Place<'_>) -> Result<Value, TypeError> {
        let number = match marker {
            Marker::FixPos(value) => Number::Integer(value.into()),
            Marker::FixNeg(value) => Number::Integer(value.into()),
            Marker::U8 => Number::Integer(u8::from_be_bytes(self.array(place)?).into()),
            Marker::U16 => Number::Integer(u16::from_be_bytes(self.array(place)?).into()),
            Marker::U32 => Number::Integer(u32::from_be_bytes(self.array(place)?).into()),
            Marker::U64 => Number::Integer(u64::from_be_bytes(self.array(place)?).into()),
            Marker::I8 => Number::Integer(i8::from_be_bytes(self.array(place)?).into()),
            Marker::I16 => Number::Integer(i16::from_be_bytes(self.array(place)?).into()),
            Marker::I32 => Number::Integer(i32::from_be_bytes(self.array(place)?).into()),
            Marker::I64 => Number::Integer(i64::from_be_bytes(self.array(place)?).into()),
            Marker::F32 => finite(f32::from_be_bytes(self.array(place)?).into(), place)?,
            Marker::F64 => finite(f64::from_be_bytes(self.array(place)?), place)?,
            _ => match self.text(marker, place)? {
                Some(text) => Number::parse(text)
                    .ok_or_else(|| TypeError::at(place, "the digits of a number are malformed"))?,
                None => return Err(mismatch(&Type::Number, marker, place)),
            },
        };
        Ok(Value::Number(number))
    }

    fn elements(
        &mut self,
        marker: Marker,
        element: &Type,
        r#type: &Type,
        place: Place<'_>,
    ) -> Result<Value, TypeError> {
        let length = match marker {
            Marker::FixArray(length) => length.into(),
            Marker::Array16 => u16::from_be_bytes(self.array(place)?).into(),
            Marker::Array32 => self.length32(place)?,
            _ => return Err(mismatch(r#type, marker, place)),
        };
        let mut elements = Vec::with_capacity(length.min(self.0.len()));
        for index in 0..length {
            let place = match r#type {
                Type::Set(_) => Place::Element(&place),
                _ => Place::Index(&place, index),
            };
            elements.push(self.value(element, place)?);
        }
        Ok(Value::List(elements))
    }

    fn map(
        &mut self,
        marker: Marker,
        element: &Type,
        place: Place<'_>,
    ) -> Result<Value, TypeError> {
        let Some(length) = self.map_length(marker, place)? else {
            return Err(TypeError::at(
                place,
                format!("a map is needed, not {}", kind(marker)),
            ));
        };
        let mut members = BTreeMap::new();
        for _ in 0..length {
            let key = self.key(place)?;
            let value = self.value(element, Place::Key(&place, key))?;
            if members.insert(key.to_owned(), value).is_some() {
                return Err(TypeError::at(
                    place,
                    format!("the key {key:?} occurs twice"),
                ));
            }
        }
        Ok(Value::Map(members))
    }

    fn object(
        &mut self,
        marker: Marker,
        types: &[(String, Type)],
        place: Place<'_>,
    ) -> Result<Value, TypeError> {
        let Some(length) = self.map_length(marker, place)? else {
            return Err(TypeError::at(
                place,
                format!("an object is needed, not {}", kind(marker)),
            ));
        };
        let mut members = BTreeMap::new();
        for _ in 0..length {
            let name = self.key(place)?;
            let Some((_, r#type)) = types.iter().find(|(known, _)| known == name) else {
                return Err(TypeError::at(
                    place,
                    format!("there is no attribute {name:?}"),
                ));
            };
            let value = self.value(r#type, Place::Attribute(&place, name))?;
            if members.insert(name.to_owned(), value).is_some() {
                return Err(TypeError::at(
                    place,
                    format!("the attribute {name:?} occurs twice"),
                ));
            }
        }
        match types.iter().find(|(name, _)| !members.contains_key(name)) {
            Some((name, _)) => Err(TypeError::at(place, format!("{name:?} is missing"))),
            None => Ok(Value::Map(members)),
        }
    }

    fn key(&mut self, place: Place<'_>) -> Result<&'a str, TypeError> {
        let marker = Marker::from_u8(self.byte(place)?);
        self.text(marker, place)?
            .ok_or_else(|| TypeError::at(place, format!("a key is {}, not text", kind(marker))))
    }

    fn text(&mut self, marker: Marker, place: Place<'_>) -> Result<Option<&'a str>, TypeError> {
        let length = match marker {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 => self.byte(place)?.into(),
            Marker::Str16 => u16::from_be_bytes(self.array(place)?).into(),
            Marker::Str32 => self.length32(place)?,
            _ => return Ok(None),
        };
        match std::str::from_utf8(self.take(length, place)?) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(TypeError::at(place, "the text is not UTF-8")),
        }
    }

    fn map_length(&mut self, marker: Marker, place: Place<'_>) -> Result<Option<usize>, TypeError> {
        Ok(Some(match marker {
            Marker::FixMap(length) => length.into(),
            Marker::Map16 => u16::from_be_bytes(self.array(place)?).into(),
            Marker::Map32 => self.length32(place)?,
            _ => return Ok(None),
        }))
    }

    /// How many bytes follow the type of an extension, none if `marker` begins something else.
    fn extension_length(
        &mut self,
        marker: Marker,
        place: Place<'_>,
    ) -> Result<Option<usize>, TypeError> {
        let length = match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.byte(place)?.into(),
            Marker::Ext16 => u16::from_be_bytes(self.array(place)?).into(),
            Marker::Ext32 => self.length32(place)?,
            _ => return Ok(None),
        };
        self.byte(place)?;
        Ok(Some(length))
    }

    fn length32(&mut self, place: Place<'_>) -> Result<usize, TypeError> {
        let length = u32::from_be_bytes(self.array(place)?);
        usize::try_from(length).map_err(|_| cut_short(place))
    }

    fn byte(&mut self, place: Place<'_>) -> Result<u8, TypeError> {
        self.array::<1>(place).map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self, place: Place<'_>) -> Result<[u8; N], TypeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(|| cut_short(place))?;
        self.0 = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize, place: Place<'_>) -> Result<&'a [u8], TypeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| cut_short(place))?;
        self.0 = rest;
        Ok(taken)
    }
}

fn finite(float: f64, place: Place<'_>) -> Result<Number, TypeError> {
    Number::from_exact_f64(float)
        .ok_or_else(|| TypeError::at(place, format!("{float} is not a number of Terraform")))
}

fn cut_short(place: Place<'_>) -> TypeError {
    TypeError::at(place, "the bytes end before the value does")
}

fn mismatch(r#type: &Type, marker: Marker, place: Place<'_>) -> TypeError {
    TypeError::at(
        place,
        format!("{} is needed, not {}", r#type.kind(), kind(marker)),
    )
}

fn kind(marker: Marker) -> &'static str {
    match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a boolean",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "a string",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "a list",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "bytes",
        Marker::Reserved => "the reserved byte c1",
        Marker::FixExt1
        | Marker::FixExt2
        | Marker::FixExt4
        | Marker::FixExt8
        | Marker::FixExt16
        | Marker::Ext8
        | Marker::Ext16
        | Marker::Ext32 => "an unknown value",
        _ => "a number",
    }
}

fn write_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        // Extension 0 with one byte that nobody reads.
        Value::Unknown => bytes.extend([0xd4, 0x00, 0x00]),
        Value::Null => written(write::write_nil(bytes)),
        Value::Bool(value) => written(write::write_bool(bytes, *value)),
        Value::Number(number) => write_number(bytes, number),
        Value::String(text) => written(write::write_str(bytes, text)),
        Value::List(elements) => {
            written(write::write_array_len(bytes, length(elements.len())));
            for element in elements {
                write_value(bytes, element);
            }
        }
        Value::Map(members) => {
            written(write::write_map_len(bytes, length(members.len())));
            for (name, value) in members {
                written(write::write_str(bytes, name));
                write_value(bytes, value);
            }
        }
    }
}

fn write_number(bytes: &mut Vec<u8>, number: &Number) {
    match number {
        Number::Integer(integer) => {
            if let Ok(signed) = i64::try_from(*integer) {
                written(write::write_sint(bytes, signed));
            } else if let Ok(unsigned) = u64::try_from(*integer) {
                written(write::write_uint(bytes, unsigned));
            } else {
                written(write::write_str(bytes, &integer.to_string()));
            }
        }
        Number::Float(float) if float.is_finite() => written(write::write_f64(bytes, *float)),
        // No constructor gives one that is not finite; core refuses its text with a clear message.
        Number::Float(float) => written(write::write_str(bytes, &float.to_string())),
        Number::Decimal(digits) => written(write::write_str(bytes, digits)),
    }
}

#[expect(clippy::expect_used, reason = "a vector takes every byte")]
fn written<T, E: std::fmt::Debug>(result: Result<T, E>) {
    result.expect("writing to memory succeeds");
}

#[expect(
    clippy::expect_used,
    reason = "a message of 4 GiB is refused long before"
)]
fn length(elements: usize) -> u32 {
    u32::try_from(elements).expect("fewer than 2^32 elements")
}
