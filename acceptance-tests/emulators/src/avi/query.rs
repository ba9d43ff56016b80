//! What a request asks of a collection: filters, order, pages, and the shape of each object.

use super::errors::Refusal;
use super::store::{Store, Stored, is_reference};
use serde_json::Value;

use crate::http::decode;

/// The parameters of a request. Of a repeated one the first counts, as in all versions up to 31.2.1.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(query: &str) -> Query {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(&value.replace('+', " ")))
        });
        Query(pairs.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether something is asked for: bare, empty or true.
    pub(super) fn asks(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.is_empty() || value.eq_ignore_ascii_case("true"))
    }

    /// The pages: 25 objects each unless asked (assumed), at most 200 (the SDKs' limit).
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        let number = |name: &str, unsaid: usize| match self.get(name) {
            None => Ok(unsaid),
            Some(text) => match text.parse() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(Refusal::bad(format!("Invalid {name}: {text}"))),
            },
        };
        let (number, size) = (number("page", 1)?, number("page_size", 25)?);
        if size > 200 {
            return Err(Refusal::bad(format!(
                "Invalid page_size: {size}, at most 200"
            )));
        }
        Ok(Page { number, size })
    }

    /// The query of another page: its number first, then everything else that was asked (API guide).
    pub(super) fn of_page(&self, number: usize) -> String {
        let mut query = format!("page={number}");
        for (name, value) in self.0.iter().filter(|(name, _)| name != "page") {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
                    .replace("%5F", "_")
                    .replace("%2E", ".")
                    .replace("%2D", "-")
            };
            query.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        query
    }

    /// Whether an object passes every filter.
    pub(super) fn admits(&self, object: &Stored, store: &Store) -> bool {
        let mut members = object.members.clone();
        members.insert("uuid".to_owned(), object.uuid.clone().into());
        let members = Value::Object(members);
        let filters = self.0.iter().filter(|(name, _)| !SHAPE.contains(&&**name));
        for (name, wanted) in filters {
            let passes = match name.as_str() {
                "search" => members.to_string().contains(wanted),
                "isearch" => {
                    let text = members.to_string().to_lowercase();
                    text.contains(&wanted.to_lowercase())
                }
                "refers_to" => refers(object, wanted, store),
                "referred_by" => is_referred(object, wanted, store),
                "label_key" => labels(&members, "key").any(|key| key == wanted),
                "label_value" => labels(&members, "value").any(|value| value == wanted),
                _ => matches(&members, name, wanted, store),
            };
            if !passes {
                return false;
            }
        }
        true
    }

    /// Puts objects in the order that is asked for: `name`, or `-name` backwards.
    pub(super) fn sort(&self, objects: &mut [&Stored]) {
        let Some(by) = self.get("sort") else { return };
        let member = by.trim_start_matches('-');
        objects.sort_by_key(|object| object.members.get(member).map(Value::to_string));
        if by.starts_with('-') {
            objects.reverse();
        }
    }
}

/// A page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) number: usize,
    pub(super) size: usize,
}

/// Parameters that do not choose objects.
const SHAPE: [&str; 11] = [
    "page",
    "page_size",
    "include_name",
    "include_refs",
    "fields",
    "exclude",
    "sort",
    "skip_default",
    "limit_by",
    "join_subresources",
    "export_key",
];

/// One filter: a dotted path, through references too, and a suffix that says how to compare. A member that no object
/// has lets none pass.
fn matches(members: &Value, filter: &str, wanted: &str, store: &Store) -> bool {
    let (path, compare): (&str, fn(&str, &str) -> bool) = match filter.rsplit_once('.') {
        Some((path, "in")) => (path, |value, wanted| {
            wanted.split(',').any(|wanted| wanted == value)
        }),
        Some((path, "contains")) => (path, |value, wanted| value.contains(wanted)),
        Some((path, "icontains")) => (path, |value, wanted| {
            value.to_lowercase().contains(&wanted.to_lowercase())
        }),
        _ => (filter, |value, wanted| value == wanted),
    };
    let steps: Vec<&str> = path.split('.').collect();
    let mut found = Vec::new();
    collect(members, &steps, store, &mut found);
    found.iter().any(|value| compare(value, wanted))
}

fn collect(value: &Value, steps: &[&str], store: &Store, found: &mut Vec<String>) {
    if let Value::Array(items) = value {
        for item in items {
            collect(item, steps, store, found);
        }
        return;
    }
    let Some((step, rest)) = steps.split_first() else {
        found.push(match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        return;
    };
    let Some(member) = value.get(step) else {
        return;
    };
    if !is_reference(step) {
        return collect(member, rest, store, found);
    }
    for reference in texts(member) {
        let Some(target) = store.follow(reference) else {
            continue;
        };
        match rest.first() {
            None | Some(&"uuid") => found.push(target.uuid.clone()),
            Some(_) => collect(&Value::Object(target.members.clone()), rest, store, found),
        }
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value
        .as_array()
        .map_or(std::slice::from_ref(value), |it| it);
    items.iter().filter_map(Value::as_str)
}

fn labels<'a>(members: &'a Value, part: &'a str) -> impl Iterator<Item = &'a str> {
    let lists = ["labels", "markers"].into_iter();
    let entries = lists.filter_map(|list| members[list].as_array()).flatten();
    entries.filter_map(move |entry| entry[part].as_str())
}

/// `refers_to=<type>:<uuid>`.
fn refers(object: &Stored, wanted: &str, store: &Store) -> bool {
    let target = store.follow(&format!("/api/{}", wanted.replacen(':', "/", 1)));
    target.is_some_and(|target| {
        let mut referring = store.referring(target);
        referring.any(|it| it.uuid == object.uuid)
    })
}

/// `referred_by=<type>:<uuid>`.
fn is_referred(object: &Stored, wanted: &str, store: &Store) -> bool {
    let uuid = wanted.split_once(':').map_or(wanted, |(_, uuid)| uuid);
    let mut referring = store.referring(object);
    referring.any(|it| it.uuid == uuid)
}
