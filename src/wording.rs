//! How errors become sentences. Every layer may use it; it knows none.

use std::error::Error;

/// An error with all its causes, in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Many errors print their cause themselves.
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// The text as a sentence: a capital at its start and a full stop at its end.
///
/// An argument at the start (`kubernetes.config_path`, `cluster_name`) keeps its spelling: the user has to find it.
pub fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let first_word = text.split(' ').next().unwrap_or_default();
    if first_word.contains(['.', '_', '[']) {
        return format!("{text}.");
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}

/// The first words of an answer in somebody else's language, to recognise who gave it; none where it holds no words.
///
/// Markup is left out: the page of a proxy begins with a screenful of it, and nothing of it tells whose it is.
pub fn first_words(answer: &[u8]) -> Option<String> {
    const MOST: usize = 100;
    let text = String::from_utf8_lossy(answer);
    let text = match text.trim_start().starts_with('<') {
        true => without_markup(&text),
        false => text.into_owned(),
    };
    let words: Vec<_> = text.split_whitespace().collect();
    let words = words.join(" ");
    let mut start: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if start.len() < words.len() {
        start.push('…');
    }
    (!start.is_empty()).then_some(start)
}

fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let folded = tag.to_ascii_lowercase();
        // What stands in these is not for people to read.
        let hidden = ["script", "style"]
            .into_iter()
            .find(|name| folded.starts_with(name));
        let end = match hidden {
            Some(name) => folded.find(&format!("</{name}")).unwrap_or(tag.len()),
            None => 0,
        };
        rest = tag[end..].split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Said>>,
    }

    fn said(said: &'static str, source: Option<Said>) -> Said {
        Said {
            said,
            source: source.map(Box::new),
        }
    }

    #[test]
    fn a_cause_that_its_error_has_told_is_not_told_again() {
        let refused = || Some(said("connection refused", None));
        let silent = said("reading the table", refused());
        assert_eq!(
            with_causes(&silent),
            "reading the table: connection refused"
        );
        let telling = said("reading the table: connection refused", refused());
        assert_eq!(with_causes(&telling), telling.said);
    }

    #[test]
    fn of_a_page_its_first_words_are_told_and_no_markup() {
        let page = b"<!DOCTYPE html>\n<html><head><style>p { color: red }</style><title>Sign in</title></head>
            <body onload=\"x()\"><p>Corporate\tproxy</p><script>if (a < b) {}</script></body></html>";
        assert_eq!(
            first_words(page).as_deref(),
            Some("Sign in Corporate proxy")
        );
        assert_eq!(first_words(b"Bad gateway").as_deref(), Some("Bad gateway"));
        assert_eq!(first_words(b"<html><script>never closed"), None);
        assert_eq!(first_words(b""), None);
        let long = first_words("wörd ".repeat(1000).as_bytes()).unwrap();
        assert_eq!(long.chars().count(), 101);
        assert!(long.ends_with('…'), "{long}");
    }

    #[test]
    fn a_sentence_keeps_the_spelling_of_an_argument_at_its_start() {
        assert_eq!(sentence("time is up"), "Time is up.");
        assert_eq!(
            sentence("kubernetes.config_path is not known yet"),
            "kubernetes.config_path is not known yet."
        );
        assert_eq!(sentence("cluster_name is wrong."), "cluster_name is wrong.");
    }
}
