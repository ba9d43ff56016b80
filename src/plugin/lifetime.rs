//! How long the process lives: until Terraform says goodbye, is gone, or a signal asks it to leave.

use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often to look whether Terraform still runs.
const PARENT_INTERVAL: Duration = Duration::from_secs(1);

/// How long a Terraform that has read our address may take to connect. One that dies before we know it as our parent
/// never does.
const FIRST_CONNECTION: Duration = Duration::from_secs(120);

/// Why the server leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Terraform said that it needs the provider no longer.
    Shutdown,
    /// Terraform is gone without a word.
    Orphaned,
    /// A signal asked for it.
    Signal,
}

impl End {
    /// How long running calls may take to finish once what waits has been cancelled.
    ///
    /// Terraform kills the process two seconds after its Shutdown, and the socket should be gone before that. In the
    /// other cases nobody waits, and a write to a cloud that is under way had better come to its end.
    pub(super) fn grace(self) -> Duration {
        match self {
            End::Shutdown => Duration::from_millis(1400),
            End::Orphaned | End::Signal => Duration::from_secs(30),
        }
    }
}

/// What a process that Terraform started watches.
pub(super) struct Lifetime {
    /// Cancelled by Terraform's Shutdown.
    pub(super) shutdown: CancellationToken,
    /// Cancelled by the first connection.
    pub(super) reached: CancellationToken,
    parent: Option<Parent>,
    signals: Signals,
}

impl Lifetime {
    /// Of a process that belongs to the Terraform that started it. It lives through what a terminal sends to both:
    /// after an interrupt Terraform says itself what is to stop, and a hangup either ends Terraform, or it runs
    /// under `nohup` and needs the provider still.
    pub(super) fn with_terraform() -> io::Result<Lifetime> {
        Lifetime::new(Some(Parent::now()), Signals::but_the_terminals()?)
    }

    /// Of a process that a developer starts and ends.
    pub(super) fn with_developer() -> io::Result<Lifetime> {
        Lifetime::new(None, Signals::all()?)
    }

    fn new(parent: Option<Parent>, signals: Signals) -> io::Result<Lifetime> {
        Ok(Lifetime {
            shutdown: CancellationToken::new(),
            reached: CancellationToken::new(),
            parent,
            signals,
        })
    }

    /// Waits until it is time to leave.
    pub(super) async fn end(&mut self) -> End {
        tokio::select! {
            () = self.shutdown.cancelled() => End::Shutdown,
            () = self.signals.received() => End::Signal,
            () = orphaned(self.parent, &self.reached, FIRST_CONNECTION) => End::Orphaned,
        }
    }
}

/// Waits until the parent is gone, or until nobody has connected within `first_connection`.
async fn orphaned(parent: Option<Parent>, reached: &CancellationToken, first_connection: Duration) {
    let Some(parent) = parent else {
        return std::future::pending().await;
    };
    let parent_gone = async {
        while parent == Parent::now() {
            tokio::time::sleep(PARENT_INTERVAL).await;
        }
    };
    // A later pause says nothing: gRPC clients close a connection that is idle for half an hour and open it again.
    let never_reached = async {
        if tokio::time::timeout(first_connection, reached.cancelled())
            .await
            .is_ok()
        {
            std::future::pending().await
        }
    };
    tokio::select! {
        () = parent_gone => (),
        () = never_reached => (),
    }
}

/// The process that started this one. The system gives an orphan another parent.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Parent(u32);

impl Parent {
    #[cfg(unix)]
    fn now() -> Parent {
        Parent(std::os::unix::process::parent_id())
    }

    /// Without Unix the standard library does not tell. Terraform's own kill is what ends the process there.
    #[cfg(not(unix))]
    fn now() -> Parent {
        Parent(0)
    }
}

/// The signals that end the process in good order.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn but_the_terminals() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};

        // Asking for one once takes away the default, which is to die.
        drop(signal(SignalKind::interrupt())?);
        drop(signal(SignalKind::hangup())?);
        Ok(Signals(vec![signal(SignalKind::terminate())?]))
    }

    fn all() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Signals(vec![
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
        ]))
    }

    async fn received(&mut self) {
        let any = std::future::poll_fn(|context| {
            let ready = self
                .0
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready());
            if ready {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        });
        any.await;
    }
}

/// Ctrl-C, the one thing that there is without Unix signals.
#[cfg(not(unix))]
struct Signals {
    interrupt: bool,
}

#[cfg(not(unix))]
impl Signals {
    fn but_the_terminals() -> io::Result<Signals> {
        tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
        Ok(Signals { interrupt: false })
    }

    fn all() -> io::Result<Signals> {
        Ok(Signals { interrupt: true })
    }

    async fn received(&mut self) {
        if !self.interrupt || tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// The calls that run.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<watch::Sender<usize>>);

/// One of them, until it is dropped.
pub(super) struct Call(Calls);

impl Calls {
    /// Counts a call from now on.
    pub(super) fn begin(&self) -> Call {
        self.0.send_modify(|running| *running += 1);
        Call(self.clone())
    }

    /// Waits until none runs.
    pub(super) async fn finished(&self) {
        // The sender is ours: the channel cannot close while we wait.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Calls, End, FIRST_CONNECTION, Parent, orphaned};
    use crate::plugin::CLOSING;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn calls_are_finished_when_the_last_one_is_dropped() {
        let calls = Calls::default();
        calls.finished().await;

        let (first, second) = (calls.begin(), calls.begin());
        drop(first);
        let at_once = tokio::time::timeout(Duration::ZERO, calls.finished());
        assert!(at_once.await.is_err());
        drop(second);
        calls.finished().await;
    }

    #[tokio::test]
    async fn another_parent_than_at_the_start_means_that_terraform_is_gone() {
        let reached = CancellationToken::new();
        orphaned(Some(Parent(u32::MAX)), &reached, FIRST_CONNECTION).await;
    }

    #[tokio::test]
    async fn a_terraform_that_never_connects_is_gone_and_one_that_has_connected_may_be_silent() {
        let (reached, unreached) = (CancellationToken::new(), CancellationToken::new());
        reached.cancel();
        let here = Some(Parent::now());
        // Both clocks run out at once, and the silent one is asked first.
        tokio::select! {
            biased;
            () = orphaned(here, &reached, Duration::ZERO) => panic!("it was connected"),
            () = orphaned(here, &unreached, Duration::ZERO) => (),
        }
    }

    #[test]
    fn the_socket_is_removed_before_terraform_kills() {
        assert!(End::Shutdown.grace() + CLOSING < Duration::from_secs(2));
    }
}
