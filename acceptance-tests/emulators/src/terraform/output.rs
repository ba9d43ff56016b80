//! What a Terraform command printed, and the diagnostics in it.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

/// One command that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed; one JSON object a line for the commands that run with `-json`.
    pub stdout: String,
    /// What it printed as errors, and the log where a log level is set.
    pub stderr: String,
    /// The diagnostics of a command that ran with `-json`, exact and not wrapped to a width.
    pub diagnostics: Vec<Diagnostic>,
    /// From start to end.
    pub took: Duration,
}

/// An error or a warning.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The headline.
    pub summary: String,
    /// The explanation; may be empty.
    #[serde(default)]
    pub detail: String,
    /// The resource that it belongs to, where there is one.
    #[serde(default)]
    pub address: Option<String>,
    /// The part of the configuration that it blames, where there is one.
    #[serde(default)]
    pub snippet: Option<Snippet>,
}

/// A part of a configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Snippet {
    /// The line, or the first lines, in which the blamed attribute is set.
    pub code: String,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Terraform stopped.
    Error,
    /// Terraform went on.
    Warning,
}

impl Run {
    pub(super) fn new(
        command: String,
        code: Option<i32>,
        stdout: String,
        stderr: String,
        took: Duration,
    ) -> Run {
        let diagnostics = stdout.lines().filter_map(diagnostic).collect();
        Run {
            command,
            code,
            stdout,
            stderr,
            diagnostics,
            took,
        }
    }

    /// Whether it did its work: 0, or 2 for a plan that holds changes.
    pub fn succeeded(&self) -> bool {
        match self.code {
            Some(0) => true,
            Some(2) => self.command.contains("-detailed-exitcode"),
            _ => false,
        }
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.of(Severity::Error)
    }

    /// The warnings, without the one that tells of the development override.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.of(Severity::Warning)
    }

    /// Whether the words appear in a diagnostic or in plain output, however they were wrapped.
    pub fn says(&self, words: &str) -> bool {
        let words = unwrapped(words);
        let said = |text: &str| unwrapped(text).contains(&words);
        self.diagnostics
            .iter()
            .any(|one| said(&one.summary) || said(&one.detail))
            || said(&self.stdout)
            || said(&self.stderr)
    }

    /// The command, its end and its output, for a person to read.
    pub fn transcript(&self) -> String {
        let code = self
            .code
            .map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        let mut text = format!("$ {}\n", self.command);
        for line in self.stdout.lines().filter_map(readable) {
            let _ = writeln!(text, "  {line}");
        }
        for line in self.stderr.lines() {
            let _ = writeln!(text, "  {line}");
        }
        let _ = write!(text, "  [{code}, {:.2} s]", self.took.as_secs_f64());
        text
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(move |one| one.severity == severity)
    }
}

impl Diagnostic {
    /// The line of the configuration that it blames; empty where it blames none.
    pub fn line(&self) -> &str {
        self.snippet
            .as_ref()
            .map_or("", |snippet| snippet.code.trim())
    }

    /// Headline and explanation in one text, to search in.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.summary, self.detail)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "@message")]
    message: String,
    diagnostic: Option<Diagnostic>,
}

fn diagnostic(line: &str) -> Option<Diagnostic> {
    let line: Line = serde_json::from_str(line).ok()?;
    line.diagnostic.filter(|one| !is_about_the_override(one))
}

/// Terraform reminds of the development override with every command; that is how the lab works.
fn is_about_the_override(diagnostic: &Diagnostic) -> bool {
    diagnostic.summary == "Provider development overrides are in effect"
}

/// One line of `-json` output in words; any other line as it is.
fn readable(line: &str) -> Option<String> {
    let Ok(line) = serde_json::from_str::<Line>(line) else {
        return Some(line.to_owned());
    };
    let Some(diagnostic) = line.diagnostic else {
        return Some(line.message);
    };
    if is_about_the_override(&diagnostic) {
        return None;
    }
    let at = diagnostic.address.map(|address| format!(" ({address})"));
    let detail = diagnostic.detail.replace('\n', "\n    ");
    Some(format!(
        "{}{}\n    {detail}",
        line.message,
        at.unwrap_or_default()
    ))
}

/// The words alone: Terraform frames and wraps what it prints in plain form.
fn unwrapped(text: &str) -> String {
    let words = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "│" | "╷" | "╵"));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stdout: &str, code: i32, command: &str) -> Run {
        Run::new(
            command.to_owned(),
            Some(code),
            stdout.to_owned(),
            String::new(),
            Duration::ZERO,
        )
    }

    #[test]
    fn a_diagnostic_is_read_whole_from_a_line_of_json() {
        let line = r#"{"@level":"error","@message":"Error: no","type":"diagnostic","diagnostic":{"severity":"error","summary":"no","detail":"because\nof it","address":"ako_x.y","range":{},"snippet":{"context":"resource","code":"  name = \"y\"","start_line":2}}}"#;
        let run = run(line, 1, "terraform apply -json");
        let expected = Diagnostic {
            severity: Severity::Error,
            summary: "no".to_owned(),
            detail: "because\nof it".to_owned(),
            address: Some("ako_x.y".to_owned()),
            snippet: Some(Snippet {
                code: "  name = \"y\"".to_owned(),
            }),
        };
        assert_eq!(run.errors().collect::<Vec<_>>(), [&expected]);
        assert!(
            run.transcript()
                .contains("Error: no (ako_x.y)\n    because\n    of it")
        );
    }

    #[test]
    fn words_are_found_though_terraform_wrapped_and_framed_them() {
        let text = "╷\n│ Error: no subnet\n│ \n│ the route table serves\n│ another subnet\n╵\n";
        assert!(run(text, 1, "terraform import").says("table serves another subnet"));
    }

    #[test]
    fn exit_code_2_is_a_success_only_of_a_plan_that_was_asked_for_it() {
        assert!(run("", 2, "terraform plan -detailed-exitcode").succeeded());
        assert!(!run("", 2, "terraform apply").succeeded());
        assert!(!run("", 1, "terraform plan -detailed-exitcode").succeeded());
    }
}
