//! AKO's write of the VRF: read the whole object, exchange its own routes, put the whole object.
//!
//! What follows a refusal is recorded: 412 and 503 at once and without end, 400 `Cannot modify VrfContext` at once in
//! the tenant `admin`, 500 after 90 s, and 403, 404 or any other 400 never.

use std::time::Duration;

use http::StatusCode;

use super::super::door::Reply;
use super::AkoOptions;
use super::routes::{Panic, Route, merged};
use super::session::Session;

/// What AKO does after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The controller holds the routes.
    Done,
    /// It tries again at once.
    Soon,
    /// It tries again after the slow delay.
    Later,
    /// It never tries again.
    Never,
}

/// One attempt.
pub(super) async fn write(
    session: &mut Session,
    options: &AkoOptions,
    uuid: &str,
    routes: &[Route],
) -> Result<Next, Panic> {
    let path = format!("/api/vrfcontext/{uuid}");
    let read = match session.get(&path).await {
        Some(read) if read.status.is_success() => read,
        refused => return Ok(after(refused.as_ref())),
    };
    let body = merged(&read.body, routes, &options.cluster_name)?;
    let reply = session.put(&path, &body).await;
    if !cannot_modify(reply.as_ref()) {
        return Ok(after(reply.as_ref()));
    }
    let reply = session.put_as_admin(&path, &body).await;
    Ok(after(reply.as_ref()))
}

/// The pause before the next fast attempt: about 12 ms at first, 100 ms later (recorded).
pub(super) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(u64::from(12 + attempt.saturating_mul(4).min(88)))
}

fn after(reply: Option<&Reply>) -> Next {
    let Some(reply) = reply else {
        // Assumed: a broken connection is met as a 500 is.
        return Next::Later;
    };
    match reply.status.as_u16() {
        200..300 => Next::Done,
        412 | 503 => Next::Soon,
        408 | 409 | 500.. => Next::Later,
        _ => Next::Never,
    }
}

fn cannot_modify(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| {
        let error = reply.body["error"].as_str().unwrap_or_default();
        reply.status == StatusCode::BAD_REQUEST && error.contains("Cannot modify VrfContext")
    })
}
