//! Logs as Terraform reads them from a plugin: one line of JSON per event on stderr, in hclog's form.
//!
//! go-plugin is strict about these lines. A timestamp of another form or a line above 64 KiB loses its level and its
//! fields, and a field that starts with `@` and is no string ends Terraform itself with a panic: every value is
//! written as text.

use std::fmt;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The longest line, with its line feed, that go-plugin reads in one piece is 64 KiB.
const LINE_LIMIT: usize = 64 * 1024 - 1;

/// The variables that set the level, the most special first.
const LEVEL_VARIABLES: [&str; 3] = ["TF_LOG_PROVIDER_AKO", "TF_LOG_PROVIDER", "TF_LOG"];

/// Sends the events of this process to stderr, and what is said of panics.
///
/// `variable` reads the environment.
pub fn install(variable: impl Fn(&str) -> Option<String>) {
    std::panic::set_hook(Box::new(report_panic));
    let level = level(variable);
    if level == LevelFilter::OFF {
        return;
    }
    let subscriber = tracing_subscriber::registry().with(Hclog {
        level,
        write: write_to_stderr,
    });
    // Only a second call could fail, and the first one's subscriber is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The level that the user asks for. Terraform shows nothing of a plugin where none is set.
fn level(variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let wanted = LEVEL_VARIABLES
        .iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match wanted.map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("off") => LevelFilter::OFF,
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("info") => LevelFilter::INFO,
        Some("debug") => LevelFilter::DEBUG,
        // `json` is trace in another form of Terraform's own; it takes any other word for trace, too.
        Some(_) => LevelFilter::TRACE,
    }
}

fn write_to_stderr(line: &[u8]) {
    // A Terraform that is gone reads no logs: there is nobody left to tell.
    let _ = io::stderr().lock().write_all(line);
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    if ends_process(std::thread::current().name()) {
        let backtrace = std::backtrace::Backtrace::capture();
        let text = format!("panic: {message}\n\nat {location}\n{backtrace}\n");
        write_to_stderr(text.as_bytes());
    } else {
        tracing::error!(panic = message, location, "a call panicked");
    }
}

/// Whether a panic of the thread with this name is the end. Terraform says that the plugin crashed to what follows a
/// line that begins with `panic: `, and that is true of the main thread only: the runtime's workers, where every call
/// runs, survive a panic, and the call answers a diagnostic.
fn ends_process(thread: Option<&str>) -> bool {
    thread == Some("main")
}

/// Writes each event as a line for go-plugin.
struct Hclog<W> {
    level: LevelFilter,
    write: W,
}

impl<W> Hclog<W> {
    /// Our own events up to the level; of others only what went wrong, because HTTP and TLS libraries tell at debug
    /// level what may be secret.
    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        *metadata.level() <= self.level && (ours || *metadata.level() <= Level::WARN)
    }
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        // Spans carry the names of the call and are cheap: an error line needs them, too.
        metadata.is_span() && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
            || self.shows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.max(LevelFilter::INFO))
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        // From the outermost span inwards: of two fields of one name the inner one stays.
        let scope = context.event_scope(event).into_iter();
        for span in scope.flat_map(|scope| scope.from_root()) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.0.extend(outer.0.iter().cloned());
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        (self.write)(&line(
            *metadata.level(),
            metadata.target(),
            jiff::Timestamp::now(),
            fields,
        ));
    }
}

/// Names and values, all as text.
#[derive(Clone, Default)]
struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.0.push((field.name(), text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }
}

/// The event as one line; long values are cut until it is short enough.
fn line(level: Level, target: &str, time: jiff::Timestamp, fields: Fields) -> Vec<u8> {
    let mut object = serde_json::Map::new();
    let mut put = |name: &str, value: String| object.insert(name.to_owned(), value.into());
    put("@level", level.as_str().to_ascii_lowercase());
    put("@message", String::new());
    put(
        "@module",
        target
            .replace(env!("CARGO_CRATE_NAME"), "ako")
            .replace("::", "."),
    );
    put("@timestamp", format!("{time:.6}"));
    for (name, value) in fields.0 {
        put(if name == "message" { "@message" } else { name }, value);
    }

    let whole = object.clone();
    let mut line = to_line(&object);
    for longest in [8192, 512, 32] {
        if line.len() <= LINE_LIMIT {
            break;
        }
        for (short, whole) in object.values_mut().zip(whole.values()) {
            *short = cut(whole, longest);
        }
        line = to_line(&object);
    }
    line
}

fn to_line(object: &serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    let mut line = serde_json::to_vec(object).unwrap_or_default();
    line.push(b'\n');
    line
}

fn cut(value: &serde_json::Value, longest: usize) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) if text.len() > longest => {
            let kept = &text[..text.floor_char_boundary(longest)];
            format!("{kept}… [cut, {} bytes]", text.len()).into()
        }
        short => short.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Fields, Hclog, LINE_LIMIT, ends_process, level, line};
    use std::sync::{Arc, Mutex};
    use tracing::Level;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt;

    fn level_of(variables: &[(&str, &str)]) -> LevelFilter {
        level(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    /// The lines that `act` writes at `level`.
    pub(in crate::plugin) fn written(
        level: LevelFilter,
        act: impl FnOnce(),
    ) -> Vec<serde_json::Value> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let write = {
            let lines = Arc::clone(&lines);
            move |line: &[u8]| lines.lock().unwrap().extend_from_slice(line)
        };
        let subscriber = tracing_subscriber::registry().with(Hclog { level, write });
        tracing::subscriber::with_default(subscriber, act);
        let lines = lines.lock().unwrap();
        let parse = |line| serde_json::from_str(line).unwrap();
        str::from_utf8(&lines).unwrap().lines().map(parse).collect()
    }

    #[test]
    fn the_most_special_variable_wins() {
        assert_eq!(level_of(&[]), LevelFilter::OFF);
        assert_eq!(level_of(&[("TF_LOG", "debug")]), LevelFilter::DEBUG);
        let both = [("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "WARN")];
        assert_eq!(level_of(&both), LevelFilter::WARN);
        let all = [("TF_LOG_PROVIDER", "trace"), ("TF_LOG_PROVIDER_AKO", "off")];
        assert_eq!(level_of(&all), LevelFilter::OFF);
        let empty = [("TF_LOG_PROVIDER_AKO", ""), ("TF_LOG", "error")];
        assert_eq!(level_of(&empty), LevelFilter::ERROR);
    }

    #[test]
    fn json_and_unknown_words_mean_trace() {
        for word in ["JSON", "trace", "loud"] {
            assert_eq!(level_of(&[("TF_LOG", word)]), LevelFilter::TRACE, "{word}");
        }
    }

    #[test]
    fn an_event_becomes_a_line_of_strings_with_the_fields_of_its_span() {
        let lines = written(LevelFilter::DEBUG, || {
            let _span = tracing::info_span!("call", tf_rpc = "ReadResource").entered();
            tracing::warn!(status = 404, gone = true, "the route is gone");
        });
        assert_eq!(lines.len(), 1);
        let line = lines[0].as_object().unwrap();
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "the route is gone");
        assert_eq!(line["@module"], "ako.plugin.logging.tests");
        assert_eq!(line["status"], "404");
        assert_eq!(line["tf_rpc"], "ReadResource");
        assert!(line.values().all(serde_json::Value::is_string));
    }

    #[test]
    fn the_innermost_of_two_fields_with_one_name_stays() {
        let lines = written(LevelFilter::INFO, || {
            let _outer = tracing::info_span!("call", id = "outer", rpc = "Read").entered();
            let _inner = tracing::info_span!("request", id = "inner").entered();
            tracing::info!("between them");
            tracing::info!(id = "own", "its own");
        });
        let ids: Vec<_> = lines.iter().map(|line| &line["id"]).collect();
        assert_eq!(ids, ["inner", "own"]);
        assert_eq!(lines[0]["rpc"], "Read");
    }

    #[test]
    fn a_message_with_line_feeds_stays_one_line() {
        let lines = written(LevelFilter::INFO, || tracing::info!("one\ntwo"));
        assert_eq!(lines[0]["@message"], "one\ntwo");
    }

    #[test]
    fn events_below_the_level_are_not_written() {
        let lines = written(LevelFilter::WARN, || {
            tracing::info!("no");
            tracing::error!("yes");
        });
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn of_other_crates_only_warnings_and_errors_are_written() {
        let lines = written(LevelFilter::TRACE, || {
            tracing::debug!(target: "azure_core::http", "authorization: secret");
            tracing::warn!(target: "azure_core::http", "retried");
            tracing::debug!("ours");
        });
        let messages: Vec<_> = lines.iter().map(|line| &line["@message"]).collect();
        assert_eq!(messages, ["retried", "ours"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_panic_on_a_worker_is_not_the_end() {
        let name = tokio::spawn(async { std::thread::current().name().map(str::to_owned) });
        assert!(!ends_process(name.await.unwrap().as_deref()));
        assert!(ends_process(Some("main")));
    }

    #[test]
    fn timestamps_have_six_digits_even_for_a_whole_second() {
        let time = jiff::Timestamp::from_second(1_750_000_000).unwrap();
        let line = line(Level::INFO, "x", time, Fields::default());
        let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["@timestamp"], "2025-06-15T15:06:40.000000Z");
    }

    #[test]
    fn the_mark_of_a_cut_tells_the_length_of_the_whole() {
        // Escaped, both together are too long after the first cut.
        let long = || "\u{1}".repeat(100_000);
        let fields = Fields(vec![("message", long()), ("url", long())]);
        let line = line(Level::INFO, "x", jiff::Timestamp::now(), fields);
        let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let message = line["@message"].as_str().unwrap();
        assert!(message.ends_with("… [cut, 100000 bytes]"), "{message:?}");
    }

    #[test]
    fn long_lines_are_cut_with_a_mark_and_keep_their_short_fields() {
        for character in ["x", "\u{1}", "ß"] {
            let fields = Fields(vec![
                ("message", character.repeat(100_000)),
                ("status", "404".to_owned()),
            ]);
            let line = line(Level::INFO, "x", jiff::Timestamp::now(), fields);
            assert!(line.len() <= LINE_LIMIT);
            let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(line["status"], "404");
            assert!(line["@message"].as_str().unwrap().contains("… [cut, "));
        }
    }
}
