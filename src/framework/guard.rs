//! Handlers that crash or never end do not take the provider with them.

use super::resource::Context;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

/// How the work of a handler ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    /// With its result.
    Returned(T),
    /// By a panic with this message.
    Panicked(String),
    /// Not yet, long after its deadline.
    Overran,
}

/// How long a handler may take beyond its deadline. Handlers watch their deadlines themselves and have cleaner ways
/// to end than this.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// How long an overdue handler has got to notice that it is cancelled.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs a handler to its end, though not for ever.
///
/// It runs in a task of its own, which nobody aborts: neither a client that goes away nor the last limit cuts a
/// write in two. An overdue handler is cancelled as by the user's Ctrl-C. If even that does not end it, the caller
/// is told, while the task goes on and what it does can be seen by the next refresh.
pub(super) async fn run<T: Send + 'static>(
    context: &Arc<Context>,
    grace: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Ended<T> {
    let mut task = tokio::spawn(work.in_current_span());
    let limit = Instant::from_std(context.deadline() + grace);
    let joined = match timeout_at(limit, &mut task).await {
        Ok(joined) => joined,
        Err(_) => {
            context.stop().cancel();
            match timeout(FAREWELL, &mut task).await {
                Ok(joined) => joined,
                Err(_) => return Ended::Overran,
            }
        }
    };
    match joined {
        Ok(result) => Ended::Returned(result),
        Err(error) => Ended::Panicked(match error.try_into_panic() {
            Ok(panic) => message(panic.as_ref()),
            Err(_) => "the provider is shutting down".to_owned(),
        }),
    }
}

/// Runs something short that may panic; then the error is the message of the panic.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(panic.as_ref()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Ended, catch, run};
    use crate::framework::resource::Context;
    use crate::framework::value::Value;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use tokio::sync::oneshot;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn a_panic_is_told_with_its_message() {
        let ended = run(&context(), Duration::ZERO, async { panic!("{}", "boom") }).await;
        assert!(matches!(ended, Ended::<()>::Panicked(message) if message == "boom"));
        assert_eq!(catch(|| panic!("boom")), Err::<(), _>("boom".to_owned()));
    }

    #[tokio::test]
    async fn work_goes_on_when_its_caller_goes_away() {
        let (begin, begun) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let context = context();
        let caller = run(&context, Duration::from_secs(60), async move {
            begun.await.unwrap();
            end.send(()).unwrap();
        });
        assert!(futures::poll!(std::pin::pin!(caller)).is_pending());
        begin.send(()).unwrap();
        ended.await.unwrap();
    }

    fn context() -> Arc<Context> {
        let deadline = Instant::now() + Duration::from_secs(60);
        Arc::new(Context::new(
            deadline,
            CancellationToken::new(),
            Value::Null,
        ))
    }
}
