//! The table of the controller's models, read from `models.txt`, which says where it comes from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::version::Version;

/// A model: what is known of its members, by name.
pub(super) type Model = BTreeMap<&'static str, Member>;

/// What is known of one member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) kind: Kind,
    pub(super) default: Option<Value>,
    pub(super) range: Option<(i64, i64)>,
    /// The numbers or words that are allowed; none where any is.
    pub(super) one_of: Vec<&'static str>,
    /// A number that is allowed outside the range, most often 0 for "off".
    pub(super) special: Option<i64>,
    pub(super) min_items: usize,
    pub(super) max_items: usize,
    /// The first version that has it, and as the controller names it; the member was always there without.
    pub(super) since: Option<Since>,
    /// The model that a reference leads to.
    pub(super) reference: Option<&'static str>,
    pub(super) required: bool,
    pub(super) secret: bool,
}

/// When a member came.
#[derive(Debug)]
pub(super) struct Since {
    /// The oldest line of versions that has it.
    pub(super) first: Version,
    /// The newest line, which the controller names when it refuses.
    pub(super) named: Version,
}

/// The type of a member.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    /// A model that the table does not have, or any value.
    Any,
    Model(&'static str),
    List(Box<Kind>),
}

/// The model of that name, if the table has it.
pub(super) fn model(name: &str) -> Option<&'static Model> {
    MODELS.get(name)
}

static MODELS: LazyLock<BTreeMap<&'static str, Model>> =
    LazyLock::new(|| read(include_str!("models.txt")));

fn read(text: &'static str) -> BTreeMap<&'static str, Model> {
    let mut models = BTreeMap::<_, Model>::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            current = name.trim_end_matches(']');
            models.entry(current).or_default();
        } else if let Some((name, rest)) = line.split_once(' ')
            && !line.starts_with('#')
        {
            models
                .entry(current)
                .or_default()
                .insert(name, Member::read(rest));
        }
    }
    models
}

impl Member {
    fn read(text: &'static str) -> Member {
        let mut words = text.split_whitespace();
        let mut member = Member {
            kind: Kind::read(words.next().unwrap_or("any")),
            default: None,
            range: None,
            one_of: Vec::new(),
            special: None,
            min_items: 0,
            max_items: usize::MAX,
            since: None,
            reference: None,
            required: false,
            secret: false,
        };
        for word in words {
            member.note(word);
        }
        member
    }

    fn note(&mut self, word: &'static str) {
        if let Some(default) = word.strip_prefix('=') {
            self.default = Some(self.kind.value(default));
        } else if let Some((low, high)) = word.split_once("..") {
            self.range = low.parse().ok().zip(high.parse().ok());
        } else {
            match word.split_once(':') {
                Some(("in" | "of", values)) => self.one_of = values.split('|').collect(),
                Some(("also", number)) => self.special = number.parse().ok(),
                Some(("max", number)) => self.max_items = number.parse().unwrap_or(usize::MAX),
                Some(("min", number)) => self.min_items = number.parse().unwrap_or(0),
                Some(("since", versions)) => self.since = Since::read(versions),
                Some(("ref", model)) => self.reference = Some(model),
                _ => {
                    self.required |= word == "required";
                    self.secret |= word == "secret";
                }
            }
        }
    }

    /// Whether a value is the default; 0 and 0.0 are the same number.
    pub(super) fn is_default(&self, value: &Value) -> bool {
        let Some(default) = &self.default else {
            return false;
        };
        default == value
            || default
                .as_f64()
                .is_some_and(|it| Some(it) == value.as_f64())
    }

    /// Whether a version of the API has it.
    pub(super) fn is_in(&self, version: Version) -> bool {
        let since = self.since.as_ref();
        since.is_none_or(|since| since.first <= version)
    }
}

impl Since {
    fn read(versions: &str) -> Option<Since> {
        let versions = versions.split('|').filter_map(Version::parse);
        let versions: Vec<Version> = versions.collect();
        Some(Since {
            first: *versions.iter().min()?,
            named: *versions.iter().max()?,
        })
    }
}

impl Kind {
    fn read(word: &'static str) -> Kind {
        match word {
            "str" => Kind::Text,
            "int" => Kind::Integer,
            "num" => Kind::Number,
            "bool" => Kind::Boolean,
            "any" => Kind::Any,
            model => match model.strip_prefix("list:") {
                Some(kind) => Kind::List(Box::new(Kind::read(kind))),
                None => Kind::Model(model),
            },
        }
    }

    fn value(&self, text: &str) -> Value {
        match self {
            Kind::Text => Value::from(text),
            _ => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}
