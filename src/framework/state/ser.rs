//! Values written by serde.

use super::Mismatch;
use crate::framework::number::Number;
use crate::framework::path::Step;
use crate::framework::value::{TypeError, Value};
use serde::ser::{self, Impossible, Serialize};
use std::collections::BTreeMap;

pub(super) fn to_value<T: Serialize>(value: &T) -> Result<Value, TypeError> {
    Ok(value.serialize(Serializer)?)
}

struct Serializer;

type Never = Impossible<Value, Mismatch>;

impl ser::Serializer for Serializer {
    type Ok = Value;
    type Error = Mismatch;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Never;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Never;

    fn serialize_bool(self, value: bool) -> Result<Value, Mismatch> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Mismatch> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Mismatch> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Mismatch> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Mismatch> {
        self.serialize_i128(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<Value, Mismatch> {
        Ok(Value::Number(Number::Integer(value)))
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Mismatch> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Mismatch> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Mismatch> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Mismatch> {
        self.serialize_i128(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Mismatch> {
        decimal(&value.to_string())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Mismatch> {
        decimal(&value.to_string())
    }

    fn serialize_char(self, value: char) -> Result<Value, Mismatch> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Mismatch> {
        Ok(Value::from(value))
    }

    fn serialize_bytes(self, _value: &[u8]) -> Result<Value, Mismatch> {
        Err(unsupported("bytes"))
    }

    fn serialize_none(self) -> Result<Value, Mismatch> {
        Ok(Value::Null)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Value, Mismatch> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Mismatch> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, Mismatch> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, Mismatch> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Value, Mismatch> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Value, Mismatch> {
        Err(unsupported("an enum variant with a value"))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Elements, Mismatch> {
        Ok(Elements(Vec::new()))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Elements, Mismatch> {
        Ok(Elements(Vec::new()))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Elements, Mismatch> {
        Ok(Elements(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Never, Mismatch> {
        Err(unsupported("an enum variant with values"))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Members, Mismatch> {
        Ok(Members::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Members, Mismatch> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Never, Mismatch> {
        Err(unsupported("an enum variant with fields"))
    }
}

fn decimal(text: &str) -> Result<Value, Mismatch> {
    match Number::parse(text) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(Mismatch::new(format!(
            "{text} is not a number of Terraform"
        ))),
    }
}

fn unsupported(what: &str) -> Mismatch {
    Mismatch::new(format!("a value cannot be {what}"))
}

struct Elements(Vec<Value>);

impl Elements {
    fn push<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Mismatch> {
        let index = self.0.len();
        let value = element
            .serialize(Serializer)
            .map_err(|mismatch| mismatch.under(Step::Index(index)))?;
        self.0.push(value);
        Ok(())
    }
}

impl ser::SerializeSeq for Elements {
    type Ok = Value;
    type Error = Mismatch;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Mismatch> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Mismatch> {
        Ok(Value::List(self.0))
    }
}

impl ser::SerializeTuple for Elements {
    type Ok = Value;
    type Error = Mismatch;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Mismatch> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Mismatch> {
        Ok(Value::List(self.0))
    }
}

impl ser::SerializeTupleStruct for Elements {
    type Ok = Value;
    type Error = Mismatch;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Mismatch> {
        self.push(element)
    }

    fn end(self) -> Result<Value, Mismatch> {
        Ok(Value::List(self.0))
    }
}

#[derive(Default)]
struct Members {
    members: BTreeMap<String, Value>,
    key: Option<String>,
}

impl ser::SerializeMap for Members {
    type Ok = Value;
    type Error = Mismatch;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Mismatch> {
        match key.serialize(Serializer)? {
            Value::String(key) => {
                self.key = Some(key);
                Ok(())
            }
            other => Err(Mismatch::new(format!(
                "a key is {}, not text",
                other.kind()
            ))),
        }
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Mismatch> {
        let Some(key) = self.key.take() else {
            return Err(Mismatch::new("a value came before its key"));
        };
        let value = value
            .serialize(Serializer)
            .map_err(|mismatch| mismatch.under(Step::Key(key.clone())))?;
        self.members.insert(key, value);
        Ok(())
    }

    fn end(self) -> Result<Value, Mismatch> {
        Ok(Value::Map(self.members))
    }
}

impl ser::SerializeStruct for Members {
    type Ok = Value;
    type Error = Mismatch;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        let value = value
            .serialize(Serializer)
            .map_err(|mismatch| mismatch.under(Step::Attribute(name.to_owned())))?;
        self.members.insert(name.to_owned(), value);
        Ok(())
    }

    fn end(self) -> Result<Value, Mismatch> {
        Ok(Value::Map(self.members))
    }
}
