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
    fn a_sentence_keeps_the_spelling_of_an_argument_at_its_start() {
        assert_eq!(sentence("time is up"), "Time is up.");
        assert_eq!(
            sentence("kubernetes.config_path is not known yet"),
            "kubernetes.config_path is not known yet."
        );
        assert_eq!(sentence("cluster_name is wrong."), "cluster_name is wrong.");
    }
}
