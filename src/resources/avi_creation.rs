//! How an object of the Avi controller is made that has no key but its name until it is there: look, send, and look
//! again where the answer was lost.

use super::avi_errors::look_failed;
use super::failures::not_ready;
use crate::clients::avi::{Client, Error, Filter, Object};
use crate::clients::{Limits, NotReady, WriteState};
use crate::configured::{Configured, limits_of};
use crate::domain::avi_objects::{Difference, Found, Refusal, Start, check_create};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::resource::Context;

/// How often one create is sent before its failure counts.
const ATTEMPTS: u32 = 5;

/// What a create comes to.
#[derive(Debug)]
pub enum Made<O> {
    /// This create has made it.
    New(O),
    /// It was there, and is taken as it is.
    Found(O, Start),
}

/// Why nothing was made.
#[derive(Debug)]
pub enum Stopped {
    /// A call failed.
    Failed(Error),
    /// What stands under the name is in the way.
    Refused(Refusal),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error)
    }
}

/// Makes `desired`, unless something stands under its name: then `judge` and the rules of a create decide.
///
/// A request whose answer was lost is looked for by the name before it is sent again, so that it is never carried out
/// twice: names are unique. What is there then, and was not before, is what was sent.
pub async fn create_by_name<O: Object>(
    avi: &Client,
    limits: &Limits,
    desired: &O,
    adopt_existing: bool,
    judge: impl Fn(&O) -> Found,
) -> Result<Made<O>, Stopped> {
    let mut attempt = 0;
    let mut may_be_ours = false;
    loop {
        attempt += 1;
        if let Some(found) = avi.find(limits, &Filter::named(desired.name())).await? {
            let facts = judge(&found);
            let is_sent = may_be_ours && facts.alien.is_none() && facts.differences.is_empty();
            return match check_create(Some(&facts), adopt_existing) {
                _ if is_sent => Ok(Made::New(found)),
                Ok(start) => Ok(Made::Found(found, start)),
                Err(refusal) => Err(Stopped::Refused(refusal)),
            };
        }
        let error = match avi.create(limits, desired).await {
            Ok(made) => return Ok(Made::New(made)),
            Err(error) => error,
        };
        may_be_ours |= matches!(
            error.after_write(),
            WriteState::Unclear | WriteState::Accepted
        );
        // A name may be taken for a moment after its object was deleted (terraform-provider-avi#606), or by somebody
        // who came between.
        let looks_again = may_be_ours && !error.is_interruption() || error.is_already_there();
        if !looks_again || attempt == ATTEMPTS || limits.pause(attempt).await.is_err() {
            return Err(error.into());
        }
    }
}

/// Looks at plan for what stands under the name that a create will use; nothing where it cannot be looked at yet, or
/// where it is what the state holds and the plan replaces.
pub async fn look_at_plan<O: Object>(
    configured: &Configured,
    context: &Context,
    summary: &str,
    name: &str,
) -> Result<Option<O>, Diagnostic> {
    let avi = match configured.clients.avi() {
        Ok(avi) => avi,
        // The provider is configured by something that is not made yet: a create is planned without a look.
        Err(NotReady::Unknown { .. }) => return Ok(None),
        Err(error) => return Err(not_ready(summary, &error)),
    };
    match avi.find(&limits_of(context), &Filter::named(name)).await {
        Ok(found) => Ok(found.filter(|found| !configured.replaced.holds(uuid_of(found)))),
        Err(error) => look_failed(context, summary.to_owned(), &error).map(|()| None),
    }
}

/// The uuid of an object that the controller has given out.
pub fn uuid_of(object: &impl Object) -> &str {
    object.uuid().unwrap_or_default()
}

/// The reference of an object with this address, in the form in which the controller gives references out: without
/// the name that may follow it.
pub fn ref_of(url: Option<&str>) -> Option<String> {
    let url = url?.split('#').next()?;
    Some(url.to_owned())
}

/// Differences between a plan and what is there, a line for each.
pub fn listed(differences: &[Difference]) -> String {
    let lines = differences.iter().map(|difference| {
        let Difference {
            attribute,
            planned,
            actual,
        } = difference;
        format!("- {attribute}: {planned} is planned, the controller has {actual}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
