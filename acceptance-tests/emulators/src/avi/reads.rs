//! The shape of answers: references as URLs, names behind them, versions, secrets, and what a request leaves out.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::Refusal;
use super::models::{Kind, Member, Model, model};
use super::store::{Object, Store, Stored, Type, is_reference};
use super::version::Version;
use super::{Core, SENSITIVE};

/// How an object is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// `#name` behind the URL and every reference: in answers to writes and with `include_name`, never in plain reads
    /// (recorded).
    pub(super) names: bool,
    pub(super) skip_default: bool,
    /// Whether secrets are left out rather than masked: so in the answer to the POST (recorded for certificates).
    pub(super) leave_secrets_out: bool,
    pub(super) version: Version,
}

impl Core {
    /// One object.
    pub(super) fn get(&self, call: &Call, kind: Type, uuid: &str) -> Result<Value, Refusal> {
        let object = self.visible(call, kind, uuid)?;
        Ok(self.show(call, object))
    }

    /// A page of the objects that pass the filters.
    pub(super) fn list(&self, call: &Call, kind: Type) -> Result<Value, Refusal> {
        let mut found: Vec<&Stored> = self
            .store
            .of(kind)
            .filter(|object| call.tenant.sees(object))
            .filter(|object| call.query.admits(object, &self.store))
            .collect();
        call.query.sort(&mut found);
        if let Some(limit) = call.query.get("limit_by").and_then(|it| it.parse().ok()) {
            found.truncate(limit);
        }
        self.paged(call, found.iter().map(|object| self.show(call, object)))
    }

    /// A page of anything, with the URL of the next one as long as there is one (API guide).
    pub(super) fn paged(
        &self,
        call: &Call,
        all: impl ExactSizeIterator<Item = Value>,
    ) -> Result<Value, Refusal> {
        let mut page = call.query.page()?;
        page.size = page.size.min(self.settings.largest_page);
        let (count, first) = (all.len(), (page.number - 1) * page.size);
        if first > 0 && first >= count {
            // In the manner of the framework behind it; assumed.
            return Err(Refusal::new(
                http::StatusCode::NOT_FOUND,
                "That page contains no results",
            ));
        }
        let results: Vec<Value> = all.skip(first).take(page.size).collect();
        let mut answer = json!({"count": count, "results": results});
        if first + page.size < count {
            let next = call.query.of_page(page.number + 1);
            answer["next"] = format!("{}{}?{next}", self.base_url, call.path).into();
        }
        Ok(answer)
    }

    /// An object that the tenant of the call sees.
    pub(super) fn visible(&self, call: &Call, kind: Type, uuid: &str) -> Result<&Stored, Refusal> {
        let object = self.store.get(kind, uuid);
        let object = object.filter(|object| call.tenant.sees(object));
        object.ok_or_else(|| Refusal::not_found(kind.model))
    }

    fn show(&self, call: &Call, object: &Stored) -> Value {
        let shape = Shape {
            names: call.query.asks("include_name"),
            skip_default: call.query.asks("skip_default"),
            leave_secrets_out: false,
            version: call.version,
        };
        let mut shown = self.render(object, shape);
        if let (Some(fields), Value::Object(members)) = (call.query.get("fields"), &mut shown) {
            let fields: Vec<&str> = fields.split(',').collect();
            members.retain(|name, _| ALWAYS.contains(&&**name) || fields.contains(&&**name));
        }
        if let (Some(exclude), Value::Object(members)) = (call.query.get("exclude"), &mut shown) {
            members.retain(|name, _| !exclude.split(',').any(|it| it == name));
        }
        shown
    }

    /// An object as an answer shows it.
    pub(super) fn render(&self, object: &Stored, shape: Shape) -> Value {
        let table = model(object.kind.model);
        let mut shown = self.members(&object.members, table, shape);
        let hash = if shape.names {
            format!("#{}", object.name())
        } else {
            String::new()
        };
        shown.insert("uuid".to_owned(), object.uuid.clone().into());
        let url = format!("{}{}{hash}", self.base_url, object.reference());
        shown.insert("url".to_owned(), url.into());
        Value::Object(shown)
    }

    fn members(&self, members: &Object, table: Option<&Model>, shape: Shape) -> Object {
        let mut shown = Object::new();
        for (name, value) in members {
            let member = table.and_then(|table| table.get(name.as_str()));
            if member.is_some_and(|member| !is_shown(member, value, shape)) {
                continue;
            }
            let value = match member {
                Some(member) if member.secret => Value::from(SENSITIVE),
                _ if is_reference(name) => reference(value, &self.store, &self.base_url, shape),
                Some(member) => self.value(&member.kind, value, shape),
                None => value.clone(),
            };
            shown.insert(name.clone(), value);
        }
        shown
    }

    fn value(&self, kind: &Kind, value: &Value, shape: Shape) -> Value {
        match (kind, value) {
            (Kind::Model(name), Value::Object(members)) => {
                Value::Object(self.members(members, model(name), shape))
            }
            (Kind::List(kind), Value::Array(items)) => items
                .iter()
                .map(|item| self.value(kind, item, shape))
                .collect(),
            (_, value) => value.clone(),
        }
    }
}

/// What `fields` cannot leave out (API guide).
const ALWAYS: [&str; 3] = ["uuid", "name", "url"];

/// Members that came after the version of the request are not shown to it (assumed).
fn is_shown(member: &Member, value: &Value, shape: Shape) -> bool {
    let is_default = member.is_default(value) && !member.required;
    member.is_in(shape.version)
        && !(shape.skip_default && is_default)
        && !(shape.leave_secrets_out && member.secret)
}

fn reference(value: &Value, store: &Store, base_url: &str, shape: Shape) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| reference(item, store, base_url, shape))
            .collect(),
        Value::String(text) => {
            let target = store.follow(text).filter(|_| shape.names);
            let hash = target.map(|it| format!("#{}", it.name()));
            format!("{base_url}{text}{}", hash.unwrap_or_default()).into()
        }
        other => other.clone(),
    }
}
