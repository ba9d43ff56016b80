//! Numbers as exact as Terraform has them.

use std::cmp::Ordering;
use std::fmt;

/// A number: the decimal text of what fits neither integer nor float.
///
/// Every number has one form here, so that equal numbers are equal values: an integer where it is one and fits, a
/// float where that is exact, else its digits. Terraform's object wire format does the same, which is why 0.1
/// travels as a string.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// A binary fraction.
    Float(f64),
    /// Any other number, in decimal notation.
    Decimal(String),
}

impl Number {
    /// Reads decimal text, with or without an exponent.
    pub fn parse(text: &str) -> Option<Number> {
        let digits = plain_digits(text)?;
        if !digits.contains('.') {
            return Some(match digits.parse() {
                Ok(integer) => Number::Integer(integer),
                Err(_) => Number::Decimal(digits),
            });
        }
        match digits.parse::<f64>() {
            Ok(float) if exact_digits(float) == digits => Some(Number::Float(float)),
            _ => Some(Number::Decimal(digits)),
        }
    }

    /// The number that a person means by this float: its shortest decimal text. `None` if it is not finite.
    pub fn from_f64(float: f64) -> Option<Number> {
        float
            .is_finite()
            .then(|| Number::parse(&float.to_string()))?
    }

    /// The number that this float is to the last bit. `None` if it is not finite.
    pub fn from_exact_f64(float: f64) -> Option<Number> {
        // Between these bounds a whole float is an integer of 128 bits.
        const INTEGERS: std::ops::Range<f64> = -1.7e38..1.7e38;
        if !float.is_finite() {
            return None;
        }
        if float.fract() == 0.0 && INTEGERS.contains(&float) {
            return Some(Number::Integer(float as i128));
        }
        if float.fract() == 0.0 {
            return Some(Number::Decimal(exact_digits(float)));
        }
        Some(Number::Float(float))
    }

    /// The nearest float.
    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Integer(integer) => *integer as f64,
            Number::Float(float) => *float,
            Number::Decimal(digits) => digits.parse().unwrap_or(f64::NAN),
        }
    }

    /// An order in which equal numbers meet; it need not be that of their sizes.
    pub(super) fn order(&self, other: &Number) -> Ordering {
        self.to_f64()
            .total_cmp(&other.to_f64())
            .then_with(|| self.to_string().cmp(&other.to_string()))
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Number {
        Number::Integer(integer.into())
    }
}

/// In decimal notation.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(integer) => integer.fmt(f),
            Number::Float(float) => float.fmt(f),
            Number::Decimal(digits) => f.write_str(digits),
        }
    }
}

/// `-1.50e3` as `-1500`: no exponent, no needless zeros. `None` if it is no number.
fn plain_digits(text: &str) -> Option<String> {
    // Longer numbers than these occur in attacks only, and the digits of an exponent are written out.
    const EXPONENTS: std::ops::RangeInclusive<i32> = -1000..=1000;
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if !EXPONENTS.contains(&exponent) {
        return None;
    }
    let (whole, fraction) = shift(whole, fraction, exponent);
    let whole = Some(whole.trim_start_matches('0')).filter(|digits| !digits.is_empty());
    let fraction = fraction.trim_end_matches('0');
    Some(match (whole, fraction) {
        (None, "") => "0".to_owned(),
        (whole, "") => format!("{sign}{}", whole.unwrap_or("0")),
        (whole, fraction) => format!("{sign}{}.{fraction}", whole.unwrap_or("0")),
    })
}

/// Moves the point of `whole.fraction` by `places` to the right.
fn shift(whole: &str, fraction: &str, places: i32) -> (String, String) {
    let distance = places.unsigned_abs() as usize;
    if places >= 0 {
        let moved = fraction.len().min(distance);
        let zeros = "0".repeat(distance - moved);
        (
            format!("{whole}{}{zeros}", &fraction[..moved]),
            fraction[moved..].to_owned(),
        )
    } else {
        let moved = whole.len().min(distance);
        let zeros = "0".repeat(distance - moved);
        let (kept, passed) = whole.split_at(whole.len() - moved);
        (kept.to_owned(), format!("{zeros}{passed}{fraction}"))
    }
}

/// All decimal digits of a float. No double has more than 1074 behind the point.
fn exact_digits(float: f64) -> String {
    let digits = format!("{float:.1074}");
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn every_number_has_one_form() {
        for (text, number) in [
            ("1", Number::Integer(1)),
            ("1.0", Number::Integer(1)),
            ("-1.50e1", Number::Integer(-15)),
            ("150e-2", Number::Float(1.5)),
            ("0.1", Number::Decimal("0.1".into())),
            ("1e-1", Number::Decimal("0.1".into())),
            ("-0", Number::Integer(0)),
            ("007", Number::Integer(7)),
            ("18446744073709551616", Number::Integer(1 << 64)),
        ] {
            assert_eq!(Number::parse(text), Some(number), "{text}");
        }
        let huge = "1".repeat(60);
        assert_eq!(Number::parse(&huge), Some(Number::Decimal(huge)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", "-", ".5", "e5", "1e", "1e99999", "NaN", "inf", "0x1", "1_0", "1.2.3", " 1", "1,5",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_eq!(Number::from_exact_f64(f64::INFINITY), None);
    }

    #[test]
    fn a_float_of_ours_is_the_decimal_number_that_it_stands_for() {
        assert_eq!(Number::from_f64(0.1), Some(Number::Decimal("0.1".into())));
        assert_eq!(Number::from_f64(0.5), Some(Number::Float(0.5)));
        assert_eq!(Number::from_f64(3.0), Some(Number::Integer(3)));
    }
}
