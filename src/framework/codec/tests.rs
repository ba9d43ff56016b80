//! Bytes as core writes them, round trips, and bytes that nobody should have written.

use super::{decode, encode};
use crate::framework::number::Number;
use crate::framework::schema::Type;
use crate::framework::value::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The form of each value, from the description of Terraform's object wire format and from the encoder of core.
#[test]
fn values_have_the_bytes_that_core_gives_them() {
    for (r#type, value, bytes) in [
        (Type::String, Value::Unknown, &b"\xd4\x00\x00"[..]),
        (Type::String, Value::Null, b"\xc0"),
        (Type::Bool, Value::Bool(true), b"\xc3"),
        (Type::Bool, Value::Bool(false), b"\xc2"),
        (Type::String, Value::from(""), b"\xa0"),
        (Type::String, Value::from("h\u{e4}"), b"\xa3h\xc3\xa4"),
        (Type::Number, Value::from(0), b"\x00"),
        (Type::Number, Value::from(127), b"\x7f"),
        (Type::Number, Value::from(-1), b"\xff"),
        (Type::Number, Value::from(200), b"\xcc\xc8"),
        (Type::Number, Value::from(-200), b"\xd1\xff\x38"),
        (
            Type::Number,
            Value::from(i64::MAX),
            b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            Type::Number,
            integer(u64::MAX.into()),
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        (Type::Number, integer(1 << 64), b"\xb418446744073709551616"),
        (
            Type::Number,
            Value::Number(Number::Float(1.5)),
            b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
        ),
        (
            Type::Number,
            Value::Number(Number::Decimal("0.1".into())),
            b"\xa30.1",
        ),
        (strings(Type::list), Value::List(vec![]), b"\x90"),
        (
            strings(Type::list),
            Value::list([Value::from("b"), Value::Unknown, Value::Null]),
            b"\x93\xa1b\xd4\x00\x00\xc0",
        ),
        (
            strings(Type::set),
            Value::list([Value::from("a"), Value::from("b")]),
            b"\x92\xa1a\xa1b",
        ),
        (strings(Type::map), Value::object::<&str>([]), b"\x80"),
        (
            strings(Type::map),
            Value::object([("k", Value::from("v"))]),
            b"\x81\xa1k\xa1v",
        ),
        (
            pair(),
            Value::object([("a", Value::Null), ("b", Value::from(5))]),
            b"\x82\xa1a\xc0\xa1b\x05",
        ),
    ] {
        assert_eq!(encode(&value), bytes, "{value:?}");
        assert_eq!(decode(bytes, &r#type).as_ref(), Ok(&value), "{bytes:x?}");
    }
}

#[test]
fn every_extension_reads_as_unknown() {
    for bytes in [
        &b"\xd4\x00\x00"[..],
        // Refined: not null, and a string that begins with "ab".
        b"\xc7\x08\x0c\x82\x01\xc2\x02\xa2ab\xc0",
        b"\xc7\x00\x00",
        b"\xd5\x63ab",
        b"\xd6\x0cabcd",
        b"\xd7\x0cabcdefgh",
        b"\xd8\x0cabcdefghijklmnop",
        b"\xc8\x00\x01\x0ca",
        b"\xc9\x00\x00\x00\x01\x0ca",
    ] {
        for r#type in [Type::String, strings(Type::set), pair()] {
            assert_eq!(decode(bytes, &r#type), Ok(Value::Unknown), "{bytes:x?}");
        }
    }
}

#[test]
fn sets_come_in_any_order() {
    let r#type = strings(Type::set);
    let set = decode(b"\x92\xa1b\xa1a", &r#type).unwrap();
    assert_eq!(set, decode(b"\x92\xa1a\xa1b", &r#type).unwrap());
}

#[test]
fn whole_floats_are_integers_and_floats_that_are_exact_stay() {
    let three = decode(b"\xcb\x40\x08\x00\x00\x00\x00\x00\x00", &Type::Number);
    assert_eq!(three, Ok(Value::from(3)));
    let half = decode(b"\xca\x3f\x00\x00\x00", &Type::Number);
    assert_eq!(half, Ok(Value::Number(Number::Float(0.5))));
    let text = decode(b"\xa41.50", &Type::Number);
    assert_eq!(text, Ok(Value::Number(Number::Float(1.5))));
}

#[test]
fn what_is_wrong_is_said_with_its_path() {
    let nested = Type::map(Type::list(Type::Number));
    for (bytes, r#type, message) in [
        (
            &b"\x81\xa1k\x92\x01\xc3"[..],
            nested.clone(),
            r#"["k"][1]: a number is needed, not a boolean"#,
        ),
        (
            b"\x81\xa1k\x91\xa1x",
            nested,
            r#"["k"][0]: the digits of a number are malformed"#,
        ),
        (b"\x81\xa1a\xc0", pair(), r#": "b" is missing"#),
        (
            b"\x83\xa1a\xc0\xa1b\xc0\xa1c\xc0",
            pair(),
            r#": there is no attribute "c""#,
        ),
        (
            b"\x82\xa1a\xc0\xa1a\xc0",
            pair(),
            r#": the attribute "a" occurs twice"#,
        ),
        (
            b"\x82\xa1k\xc0\xa1k\xc0",
            strings(Type::map),
            r#": the key "k" occurs twice"#,
        ),
        (
            b"\x81\x01\xc0",
            strings(Type::map),
            ": a key is a number, not text",
        ),
        (b"\xc0\xc0", Type::String, ": 1 bytes follow the value"),
        (b"\xa1\xff", Type::String, ": the text is not UTF-8"),
        (
            b"\xc4\x01a",
            Type::String,
            ": a string is needed, not bytes",
        ),
        (
            b"\xc1",
            Type::String,
            ": a string is needed, not the reserved byte c1",
        ),
        (
            b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
            Type::Number,
            ": NaN is not a number of Terraform",
        ),
        (
            b"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00",
            Type::Number,
            ": -inf is not a number of Terraform",
        ),
    ] {
        let error = decode(bytes, &r#type).unwrap_err();
        assert_eq!(format!("{}: {error}", error.path), message, "{bytes:x?}");
    }
}

#[test]
fn lengths_beyond_the_bytes_are_refused_without_allocating() {
    for bytes in [
        &b""[..],
        b"\xdd\xff\xff\xff\xff",
        b"\xdc\xff\xff\xc0",
        b"\xdb\xff\xff\xff\xffx",
        b"\xd9\x05abcd",
        b"\xdf\xff\xff\xff\xff",
        b"\xde\xff\xff\xa1a",
        b"\xc9\xff\xff\xff\xff\x00",
        b"\xcf\x00",
        b"\xd4\x00",
    ] {
        for r#type in [
            Type::Number,
            Type::String,
            strings(Type::list),
            strings(Type::map),
            pair(),
        ] {
            assert!(decode(bytes, &r#type).is_err(), "{bytes:x?} {:?}", r#type);
        }
    }
}

#[test]
fn nesting_ends_where_the_type_does() {
    let deep = [0x91; 1_000_000];
    assert!(decode(&deep, &Type::list(strings(Type::list))).is_err());
}

proptest! {
    #[test]
    fn every_value_survives_a_round_trip((r#type, value) in typed_value()) {
        let value = value.conform(&r#type).unwrap();
        prop_assert_eq!(decode(&encode(&value), &r#type), Ok(value));
    }

    #[test]
    fn any_bytes_are_read_or_refused((r#type, _) in typed_value(), bytes: Vec<u8>) {
        let _ = decode(&bytes, &r#type);
    }

    #[test]
    fn damaged_values_are_read_or_refused(
        (r#type, value) in typed_value(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes, &r#type);
        let _ = decode(&bytes[..at], &r#type);
    }
}

/// A type and a value of it.
fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    value_type().prop_flat_map(|r#type| {
        let value = value_of(&r#type);
        (Just(r#type), value)
    })
}

fn value_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|members| Type::Object(members.into_iter().collect())),
        ]
    })
}

fn value_of(r#type: &Type) -> BoxedStrategy<Value> {
    let known = match r#type {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => number().prop_map(Value::Number).boxed(),
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::List(element) | Type::Set(element) => prop::collection::vec(value_of(element), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Map(element) => prop::collection::btree_map(any::<String>(), value_of(element), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        Type::Object(members) => members
            .iter()
            .map(|(name, r#type)| (Just(name.clone()), value_of(r#type)))
            .collect::<Vec<_>>()
            .prop_map(|members| Value::Map(members.into_iter().collect::<BTreeMap<_, _>>()))
            .boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 1 => Just(Value::Unknown), 8 => known].boxed()
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<i128>().prop_map(Number::Integer),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
        any::<f64>().prop_filter_map("finite", Number::from_exact_f64),
        "-?[0-9]{1,60}(\\.[0-9]{1,30})?".prop_filter_map("a number", |text| Number::parse(&text)),
    ]
}

fn integer(value: i128) -> Value {
    Value::Number(Number::Integer(value))
}

fn strings(collection: fn(Type) -> Type) -> Type {
    collection(Type::String)
}

fn pair() -> Type {
    Type::Object(vec![
        ("a".to_owned(), Type::String),
        ("b".to_owned(), Type::Number),
    ])
}
