//! The HTTP APIs that the provider calls. No Terraform, no decisions.
//!
//! [`Clients`] is built once from the provider's settings and shared by everything that runs. Nothing is called,
//! read or resolved before its first use, so that a section which nothing needs may be incomplete.

pub mod avi;
pub mod azure;
pub mod kubernetes;

mod http;
mod locks;
mod proxies;

use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The clients of one provider configuration.
#[derive(Debug)]
pub struct Clients {
    settings: Settings,
    avi: OnceLock<Result<avi::Client, NotReady>>,
    azure: OnceLock<Result<azure::Client, NotReady>>,
    clusters: Mutex<HashMap<[u8; 32], kubernetes::Client>>,
}

/// What the provider block says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The section `avi`.
    pub avi: avi::Settings,
    /// The section `azure`.
    pub azure: azure::Settings,
    /// The section `kubernetes`.
    pub kubernetes: kubernetes::Settings,
    /// The environment variables that stand in for unset arguments.
    pub variables: Variables,
    /// What is sent as `User-Agent`; see [`user_agent`].
    pub user_agent: String,
    /// The longest that one request may take.
    pub request_timeout: Duration,
}

/// One provider argument as far as it is known: at plan time it may depend on something not made yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// Its value.
    Known(T),
    /// Not set in the configuration; an environment variable may stand in.
    #[default]
    Unset,
    /// Set to something that will be known after apply.
    Unknown,
}

/// Why a client cannot be built from the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Neither the argument nor its environment variable is set.
    #[error(
        "{argument} is not set: set it in the provider block, or the environment variable {variable}"
    )]
    Missing {
        /// The argument with its section: `azure.tenant_id`.
        argument: String,
        /// The environment variable that stands in.
        variable: String,
    },
    /// The argument depends on something that is known only after apply.
    #[error("{argument} is not known yet")]
    Unknown {
        /// The argument with its section.
        argument: String,
    },
    /// The argument or its environment variable cannot be used.
    #[error("{argument}: {reason}")]
    Invalid {
        /// The argument with its section.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How long one operation may take, and what ends it early.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When it must have ended.
    pub deadline: Instant,
    /// Cancelled when the user interrupts Terraform.
    pub stop: CancellationToken,
}

/// What has become of a write that ended in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteState {
    /// No write has left: the object is as it was.
    NotSent,
    /// The service refused the write: the object is as it was.
    Refused,
    /// The write was sent; whether the service acted on it is not known.
    Unclear,
    /// The service accepted the write: the object exists and is changed, or is on the way to it.
    Accepted,
}

/// Why a wait ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// The user has interrupted Terraform.
    #[error("stopped by an interrupt")]
    Stopped,
    /// The time for the whole operation is used up.
    #[error("time is up")]
    DeadlineExceeded,
}

/// Environment variables, handed in so that tests need not change those of the process.
#[derive(Clone)]
pub struct Variables(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The `User-Agent` of a provider under this version of Terraform, in the form that azurerm uses.
pub fn user_agent(terraform_version: &str) -> String {
    let ours = env!("CARGO_PKG_VERSION");
    format!(
        "HashiCorp Terraform/{terraform_version} (+https://www.terraform.io) terraform-provider-ako/{ours}"
    )
}

impl Clients {
    /// Clients with these settings. Nothing happens before the first use.
    pub fn new(settings: Settings) -> Clients {
        Clients {
            settings,
            avi: OnceLock::new(),
            azure: OnceLock::new(),
            clusters: Mutex::default(),
        }
    }

    /// The client of the Avi controller.
    pub fn avi(&self) -> Result<&avi::Client, NotReady> {
        let built = self.avi.get_or_init(|| avi::Client::new(&self.settings));
        built.as_ref().map_err(NotReady::clone)
    }

    /// The client of Azure Resource Manager.
    pub fn azure(&self) -> Result<&azure::Client, NotReady> {
        let built = self
            .azure
            .get_or_init(|| azure::Client::new(&self.settings));
        built.as_ref().map_err(NotReady::clone)
    }

    /// A client of the Kubernetes cluster that `connection` names, completed by the provider's section; one for all
    /// who come to the same, so that a program by which they sign in runs once.
    pub async fn kubernetes(
        &self,
        limits: &Limits,
        connection: &kubernetes::Connection,
    ) -> Result<kubernetes::Client, kubernetes::Error> {
        let client = self.cluster(connection)?;
        client.sign_in(limits).await?;
        Ok(client)
    }

    /// Ends what lives longer than a call: the session at the Avi controller, where there is one.
    pub async fn close(&self) {
        if let Some(Ok(avi)) = self.avi.get() {
            avi.log_out().await;
        }
    }

    fn cluster(
        &self,
        connection: &kubernetes::Connection,
    ) -> Result<kubernetes::Client, kubernetes::Error> {
        let settings = &self.settings;
        let (section, variables) = (&settings.kubernetes, &settings.variables);
        let resolved = kubernetes::Resolved::new(section, variables, connection)?;
        let fingerprint = resolved.fingerprint();
        // Whoever panicked meanwhile left the map whole.
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clusters.get(&fingerprint) {
            return Ok(client.clone());
        }
        let client = kubernetes::Client::new(settings, resolved)?;
        clusters.insert(fingerprint, client.clone());
        Ok(client)
    }
}

impl Limits {
    /// Waits for `duration`, or less if the operation is stopped or its time is up.
    pub async fn wait(&self, duration: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            biased;
            interrupted = self.ended() => Err(interrupted),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    /// Waits until the operation is stopped or its time is up.
    pub async fn ended(&self) -> Interrupted {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Interrupted::Stopped,
            () = tokio::time::sleep_until(deadline) => Interrupted::DeadlineExceeded,
        }
    }

    /// Waits before repeating something for the `attempt`th time (from 1), longer each time.
    ///
    /// For the loop around a read, a merge and a write that ends in
    /// [`wants_fresh_read`](azure::Error::wants_fresh_read).
    pub async fn pause(&self, attempt: u32) -> Result<(), Interrupted> {
        self.wait(http::back_off(attempt)).await
    }

    /// Fails if the operation is stopped or its time is up.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.stop.is_cancelled() {
            return Err(Interrupted::Stopped);
        }
        match self.remaining().is_zero() {
            true => Err(Interrupted::DeadlineExceeded),
            false => Ok(()),
        }
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Variables {
    /// The variables of this process.
    pub fn of_process() -> Variables {
        Variables(Arc::new(|name| std::env::var(name).ok()))
    }

    /// Exactly these variables.
    pub fn from_map(map: BTreeMap<String, String>) -> Variables {
        Variables(Arc::new(move |name| map.get(name).cloned()))
    }

    /// The value of a variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

impl NotReady {
    /// Whether an environment variable is to blame that stands in for no argument: `SSL_CERT_FILE`.
    pub fn is_of_the_environment(&self) -> bool {
        match self {
            NotReady::Invalid { argument, .. } => {
                // Arguments carry their section's name, `azure.use_cli`, or are a whole section.
                argument.contains('_') && !argument.contains('.')
            }
            NotReady::Missing { .. } | NotReady::Unknown { .. } => false,
        }
    }
}

impl<T> Setting<T> {
    /// The same setting with its value changed by `f`.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Setting::Known(value) => Setting::Known(f(value)),
            Setting::Unset => Setting::Unset,
            Setting::Unknown => Setting::Unknown,
        }
    }
}

impl<T> From<Option<T>> for Setting<T> {
    fn from(value: Option<T>) -> Setting<T> {
        value.map_or(Setting::Unset, Setting::Known)
    }
}

impl Setting<String> {
    /// The value, or that of the first of the environment variables `names` that is set. Empty counts as unset.
    fn or_variable(
        &self,
        argument: &str,
        variables: &Variables,
        names: &[&str],
    ) -> Result<Option<String>, NotReady> {
        match self {
            Setting::Unknown => Err(NotReady::Unknown {
                argument: argument.to_owned(),
            }),
            Setting::Known(value) if !value.is_empty() => Ok(Some(value.clone())),
            _ => Ok(names.iter().find_map(|name| variables.get(name))),
        }
    }

    /// The value or that of the environment variable, one of which must be there.
    fn required(
        &self,
        argument: &str,
        variables: &Variables,
        variable: &str,
    ) -> Result<String, NotReady> {
        let value = self.or_variable(argument, variables, &[variable])?;
        value.ok_or_else(|| NotReady::Missing {
            argument: argument.to_owned(),
            variable: variable.to_owned(),
        })
    }
}

impl Setting<SecretString> {
    /// The secret as a plain setting, for as long as it takes to hand it on.
    fn exposed(&self) -> Setting<String> {
        match self {
            Setting::Known(secret) => Setting::Known(secret.expose_secret().to_owned()),
            Setting::Unset => Setting::Unset,
            Setting::Unknown => Setting::Unknown,
        }
    }
}

impl Setting<i64> {
    /// The value, or the number in the environment variable. An empty variable counts as unset.
    fn or_number(
        &self,
        argument: &str,
        variables: &Variables,
        variable: &str,
    ) -> Result<Option<i64>, NotReady> {
        match self {
            Setting::Unknown => Err(NotReady::Unknown {
                argument: argument.to_owned(),
            }),
            Setting::Known(value) => Ok(Some(*value)),
            Setting::Unset => match variables.get(variable) {
                None => Ok(None),
                Some(text) => text
                    .trim()
                    .parse()
                    .map(Some)
                    .map_err(|_| NotReady::Invalid {
                        argument: variable.to_owned(),
                        reason: format!("{text:?} is no whole number"),
                    }),
            },
        }
    }
}

impl Setting<bool> {
    /// The value, or that of the environment variable, or `default`. An empty variable counts as unset; the words
    /// are those that Go takes, as in azurerm.
    fn or_flag(
        &self,
        argument: &str,
        variables: &Variables,
        variable: &str,
        default: bool,
    ) -> Result<bool, NotReady> {
        match self {
            Setting::Unknown => Err(NotReady::Unknown {
                argument: argument.to_owned(),
            }),
            Setting::Known(value) => Ok(*value),
            Setting::Unset => match variables.get(variable).as_deref() {
                None => Ok(default),
                Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
                Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
                Some(other) => Err(NotReady::Invalid {
                    argument: variable.to_owned(),
                    reason: format!("{other:?} is neither true nor false"),
                }),
            },
        }
    }
}
