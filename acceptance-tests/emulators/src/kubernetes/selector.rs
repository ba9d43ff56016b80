//! `labelSelector` and `fieldSelector`.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

use super::status::Failure;
use super::store::Kind;

/// A parsed `labelSelector`: all requirements must hold.
#[derive(Debug, Default)]
pub(super) struct LabelSelector(Vec<Requirement>);

/// A parsed `fieldSelector`: all terms must hold.
#[derive(Debug, Default)]
pub(super) struct FieldSelector(Vec<FieldTerm>);

#[derive(Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Debug)]
struct FieldTerm {
    pointer: &'static str,
    value: String,
    equal: bool,
}

impl LabelSelector {
    /// Reads the grammar of label selectors: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`.
    pub(super) fn parse(text: &str) -> Result<LabelSelector, Failure> {
        let mut requirements = Vec::new();
        let mut tokens = Tokens::new(text);
        if tokens.peek() == Token::End {
            return Ok(LabelSelector::default());
        }
        loop {
            requirements.push(tokens.requirement().map_err(Failure::BadRequest)?);
            match tokens.next() {
                Token::End => return Ok(LabelSelector(requirements)),
                Token::Symbol(",") => {}
                other => {
                    let message =
                        format!("found '{}', expected: ',' or 'end of string'", other.text());
                    return Err(Failure::BadRequest(message));
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.0.iter().all(|requirement| {
            let label = labels.get(&requirement.key).and_then(Value::as_str);
            match &requirement.test {
                Test::Exists => label.is_some(),
                Test::Missing => label.is_none(),
                Test::In(values) => label.is_some_and(|label| values.iter().any(|v| v == label)),
                // An object without the label matches, too: the rule of the API.
                Test::NotIn(values) => label.is_none_or(|label| values.iter().all(|v| v != label)),
            }
        })
    }
}

impl FieldSelector {
    /// Reads `field=value`, `field==value` and `field!=value`, joined by commas; values are not unescaped.
    pub(super) fn parse(text: &str, kind: &Kind) -> Result<FieldSelector, Failure> {
        let terms = text.split(',').filter(|term| !term.is_empty());
        terms
            .map(|term| parse_field(term, text, kind))
            .collect::<Result<_, _>>()
            .map(FieldSelector)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|term| {
            let actual = match object.pointer(term.pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(flag)) => flag.to_string(),
                _ if term.pointer == "/spec/unschedulable" => "false".to_owned(),
                _ => String::new(),
            };
            (actual == term.value) == term.equal
        })
    }
}

// Assumed: the wording of both refusals (apimachinery's field selectors; no recording has them).
fn parse_field(term: &str, all: &str, kind: &Kind) -> Result<FieldTerm, Failure> {
    let (field, value, equal) = ["!=", "==", "="]
        .iter()
        .find_map(|operator| {
            let (field, value) = term.split_once(operator)?;
            Some((field, value.to_owned(), *operator != "!="))
        })
        .ok_or_else(|| {
            Failure::BadRequest(format!(
                "invalid selector: '{all}'; can't understand '{term}'"
            ))
        })?;
    let pointer = match field {
        "metadata.name" => "/metadata/name",
        "metadata.namespace" if kind.namespaced || kind.is_custom() => "/metadata/namespace",
        "spec.unschedulable" if kind.kind == "Node" => "/spec/unschedulable",
        _ => {
            return Err(Failure::BadRequest(format!(
                "field label not supported: {field}"
            )));
        }
    };
    Ok(FieldTerm {
        pointer,
        value,
        equal,
    })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Symbol(&'static str),
    End,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Word(word) => word.clone(),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::End => String::new(),
        }
    }
}

struct Tokens<'a> {
    rest: Peekable<Chars<'a>>,
    ahead: Option<Token>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Tokens<'a> {
        Tokens {
            rest: text.chars().peekable(),
            ahead: None,
        }
    }

    fn peek(&mut self) -> Token {
        let token = self.ahead.take().unwrap_or_else(|| self.read());
        self.ahead = Some(token.clone());
        token
    }

    fn next(&mut self) -> Token {
        self.ahead.take().unwrap_or_else(|| self.read())
    }

    fn read(&mut self) -> Token {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = self.rest.next() else {
            return Token::End;
        };
        match first {
            '(' => Token::Symbol("("),
            ')' => Token::Symbol(")"),
            ',' => Token::Symbol(","),
            '!' if self.rest.next_if_eq(&'=').is_some() => Token::Symbol("!="),
            '!' => Token::Symbol("!"),
            '=' if self.rest.next_if_eq(&'=').is_some() => Token::Symbol("=="),
            '=' => Token::Symbol("="),
            _ => {
                let mut word = String::from(first);
                let in_word = |c: &char| !c.is_whitespace() && !"(),!=".contains(*c);
                while let Some(next) = self.rest.next_if(in_word) {
                    word.push(next);
                }
                Token::Word(word)
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let missing = self.peek() == Token::Symbol("!");
        if missing {
            self.next();
        }
        let key = self.word()?;
        if missing {
            return Ok(Requirement {
                key,
                test: Test::Missing,
            });
        }
        let test = match self.peek() {
            Token::End | Token::Symbol(",") => {
                return Ok(Requirement {
                    key,
                    test: Test::Exists,
                });
            }
            Token::Symbol("=" | "==") => Test::In(vec![self.exact_value()?]),
            Token::Symbol("!=") => Test::NotIn(vec![self.exact_value()?]),
            Token::Word(word) if word == "in" => Test::In(self.values()?),
            Token::Word(word) if word == "notin" => Test::NotIn(self.values()?),
            other => {
                let expected = "in, notin, =, ==, !=, gt, lt";
                return Err(unexpected(&other, expected));
            }
        };
        Ok(Requirement { key, test })
    }

    // An empty value is allowed: `a=` and `a=,b` compare with the empty string.
    fn exact_value(&mut self) -> Result<String, String> {
        self.next();
        match self.peek() {
            Token::End | Token::Symbol(",") => Ok(String::new()),
            _ => self.word(),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        self.next();
        match self.next() {
            Token::Symbol("(") => {}
            other => return Err(unexpected(&other, "'('")),
        }
        let mut values = Vec::new();
        loop {
            values.push(self.word()?);
            match self.next() {
                Token::Symbol(",") => {}
                Token::Symbol(")") => return Ok(values),
                other => return Err(unexpected(&other, "',' or ')'")),
            }
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(word) => Ok(word),
            other => Err(unexpected(&other, "identifier")),
        }
    }
}

fn unexpected(found: &Token, expected: &str) -> String {
    format!(
        "unable to parse requirement: found '{}', expected: {expected}",
        found.text()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(selector: &str, labels: Value) -> bool {
        let object = json!({ "metadata": { "labels": labels } });
        LabelSelector::parse(selector).unwrap().matches(&object)
    }

    #[test]
    fn every_operator_of_a_label_selector_selects_as_documented() {
        let labels = json!({ "os": "linux", "role": "" });
        for yes in [
            "",
            "os",
            "!arch",
            "os=linux",
            "os==linux",
            "os!=windows",
            "arch!=arm64",
            "role=",
            "os in (windows, linux)",
            "os notin (windows)",
            "arch notin (arm64)",
            "os=linux,role",
        ] {
            assert!(selects(yes, labels.clone()), "{yes}");
        }
        for no in [
            "arch",
            "!os",
            "os=windows",
            "os!=linux",
            "os in (windows)",
            "os notin (linux)",
            "os=linux,arch",
        ] {
            assert!(!selects(no, labels.clone()), "{no}");
        }
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_a_bad_request_in_the_servers_words() {
        let recorded = "unable to parse requirement: found '=', expected: identifier";
        let refused = LabelSelector::parse("a===b").unwrap_err();
        assert_eq!(refused, Failure::BadRequest(recorded.to_owned()));
        for broken in ["=a", "a in b", "a in (b", "a b", ",", "a,"] {
            assert!(LabelSelector::parse(broken).is_err(), "{broken}");
        }
    }
}
