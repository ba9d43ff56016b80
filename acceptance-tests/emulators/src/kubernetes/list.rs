//! Lists: selectors, pages, continue tokens, and which moment a page shows.
//!
//! Recorded: kube-apiserver 1.36. A page after the first shows the moment of the first. `remainingItemCount` is
//! left out where a selector is used. `resourceVersion=0` ignores the limit: the whole list comes at once.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::Query;
use super::selector::{FieldSelector, LabelSelector};
use super::status::Failure;
use super::store::{Kind, Store};

/// What the query of a list asks for.
#[derive(Debug)]
pub(super) struct ListOptions {
    limit: usize,
    moment: Moment,
    labels: LabelSelector,
    fields: FieldSelector,
}

/// One page.
pub(super) struct Page {
    pub(super) items: Vec<Arc<Value>>,
    pub(super) revision: u64,
    pub(super) next: Option<String>,
    pub(super) remaining: Option<usize>,
}

/// Which state of the cluster a page shows.
#[derive(Debug)]
enum Moment {
    Latest,
    /// Whatever is cached; nothing is paged.
    Any,
    NotOlderThan(u64),
    Exact(u64),
    After(Token),
}

/// The content of a continue token. Recorded: the form, and that `rv` -1 means "as of now".
#[derive(Debug, Deserialize, Serialize)]
struct Token {
    v: String,
    rv: i64,
    start: String,
}

// The server's decoder does not mind bits left over at the end, hence not the engine that is ready-made.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
    You can start a new list without the continue parameter, or use the continue token in this response to \
    retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - \
    objects that were created, modified, or deleted between the time the first chunk was returned and now may \
    show up in the list.";

const REVISION_EXPIRED: &str = "The resourceVersion for the provided list is too old.";

impl ListOptions {
    /// Reads the query of a list of `kind`.
    pub(super) fn parse(query: &Query, kind: &Kind) -> Result<ListOptions, Failure> {
        let limit =
            parse_integer(query.get("limit"))?.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(0);
        Ok(ListOptions {
            limit,
            moment: parse_moment(query, limit)?,
            labels: LabelSelector::parse(query.get("labelSelector"))?,
            fields: FieldSelector::parse(query.get("fieldSelector"), kind)?,
        })
    }

    fn selects(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    fn has_selector(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}

/// The page of `kind` that `options` ask for.
pub(super) fn page(
    store: &Store,
    kind: &Kind,
    namespace: Option<&str>,
    options: &ListOptions,
) -> Result<Page, Failure> {
    let revision = options.moment.revision(store)?;
    let start = options.moment.start();
    let limit = match (&options.moment, options.limit) {
        (Moment::Any, _) | (_, 0) => usize::MAX,
        (_, limit) => limit,
    };
    let entries = store.list(&kind.id, namespace, revision);
    let mut matching = entries
        .into_iter()
        .filter(|entry| entry.place.as_str() >= start && options.selects(&entry.object));

    let mut items = Vec::new();
    let mut last = String::new();
    while items.len() < limit {
        let Some(entry) = matching.next() else { break };
        last = entry.place;
        items.push(entry.object);
    }
    let rest = matching.count();
    Ok(Page {
        items,
        revision,
        next: (rest > 0)
            .then(|| encode(i64::try_from(revision).unwrap_or(-1), &format!("/{last}\0"))),
        remaining: (rest > 0 && !options.has_selector()).then_some(rest),
    })
}

impl Moment {
    fn revision(&self, store: &Store) -> Result<u64, Failure> {
        let current = store.revision();
        match self {
            Moment::Latest | Moment::Any => Ok(current),
            // The real server waits three seconds for the version before it says so.
            Moment::NotOlderThan(asked) | Moment::Exact(asked) if *asked > current => {
                Err(Failure::ResourceVersionTooLarge {
                    asked: *asked,
                    current,
                })
            }
            Moment::NotOlderThan(_) => Ok(current),
            Moment::Exact(asked) if store.is_compacted(*asked) => Err(Failure::Expired {
                message: REVISION_EXPIRED,
                again: None,
            }),
            Moment::Exact(asked) => Ok(*asked),
            Moment::After(token) => token.revision(store),
        }
    }

    fn start(&self) -> &str {
        match self {
            Moment::After(token) => token.start.trim_start_matches('/'),
            _ => "",
        }
    }
}

impl Token {
    fn revision(&self, store: &Store) -> Result<u64, Failure> {
        let Ok(revision) = u64::try_from(self.rv) else {
            return Ok(store.revision());
        };
        if store.is_compacted(revision) {
            let again = encode(-1, self.start.trim_start_matches('/'));
            return Err(Failure::Expired {
                message: CONTINUE_EXPIRED,
                again: Some(again),
            });
        }
        Ok(revision)
    }
}

fn parse_moment(query: &Query, limit: usize) -> Result<Moment, Failure> {
    let (version, rule) = (
        query.get("resourceVersion"),
        query.get("resourceVersionMatch"),
    );
    let token = query.get("continue");
    refuse_match_rule(version, rule, !token.is_empty())?;
    if !token.is_empty() {
        if !matches!(version, "" | "0") {
            // Assumed: the wording (apiserver's etcd3 store).
            let message = "specifying resource version is not allowed when using continue";
            return Err(Failure::BadRequest(message.to_owned()));
        }
        return decode(token).map(Moment::After);
    }
    // Without a rule a limit makes the version exact (documented: semantics for list).
    let exact = rule == "Exact" || (rule.is_empty() && limit > 0);
    match version {
        "" => Ok(Moment::Latest),
        "0" => Ok(Moment::Any),
        version => match version.parse() {
            Ok(version) if exact => Ok(Moment::Exact(version)),
            Ok(version) => Ok(Moment::NotOlderThan(version)),
            // Assumed: the wording.
            Err(_) => {
                let message = format!("Invalid value: {version:?}: invalid resource version");
                Err(Failure::BadRequest(message))
            }
        },
    }
}

// Documented: which combinations are refused. Assumed: the wordings (apimachinery's validation of list options).
fn refuse_match_rule(version: &str, rule: &str, continues: bool) -> Result<(), Failure> {
    let (reason, message) = match (rule, version) {
        ("", _) => return Ok(()),
        _ if continues => (
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch is forbidden when continue is provided",
        ),
        (_, "") => (
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        ("Exact", "0") => (
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        ("Exact" | "NotOlderThan", _) => return Ok(()),
        _ => (
            "FieldValueNotSupported",
            "Unsupported value: supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
    };
    Err(Failure::Invalid {
        kind: "ListOptions".to_owned(),
        group: "meta.k8s.io".to_owned(),
        name: String::new(),
        field: "resourceVersionMatch",
        reason,
        message,
    })
}

fn parse_integer(text: &str) -> Result<Option<i64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let message = || format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
    text.parse()
        .map(Some)
        .map_err(|_| Failure::BadRequest(message()))
}

fn encode(rv: i64, start: &str) -> String {
    let token = Token {
        v: TOKEN_VERSION.to_owned(),
        rv,
        start: start.to_owned(),
    };
    BASE64.encode(serde_json::json!(token).to_string())
}

// Recorded for bytes that are no JSON; the other three wordings are assumed.
fn decode(text: &str) -> Result<Token, Failure> {
    let invalid = |cause: String| {
        Failure::BadRequest(format!(
            "invalid continue token: continue key is not valid: {cause}"
        ))
    };
    let bytes = BASE64
        .decode(text)
        .map_err(|_| invalid("illegal base64 data at input byte 0".to_owned()))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| match bytes.first() {
        Some(b'{') | None => invalid("unexpected end of JSON input".to_owned()),
        Some(byte) => {
            let shown = byte.escape_ascii();
            invalid(format!(
                "invalid character '{shown}' looking for beginning of value"
            ))
        }
    })?;
    if token.v != TOKEN_VERSION {
        return Err(invalid(format!(
            "server does not recognize this encoded version {:?}",
            token.v
        )));
    }
    Ok(token)
}
