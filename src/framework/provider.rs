//! What the author of a provider writes: its own block, and the lists of what it serves.

use super::diagnostics::Diagnostics;
use super::function::AnyFunction;
use super::handler::{AnyDataSource, AnyResource};
use super::plan::Config;
use super::schema::Schema;

pub use super::function::function;
pub use super::handler::{data_source, resource};

/// A provider: how its clients come out of its configuration, and what works with them.
pub trait Provider: 'static {
    /// Its name, with which all its types begin.
    const NAME: &'static str;
    /// What its resources call: made once, shared by all of them.
    type Clients: Send + Sync + 'static;

    /// The attributes of its block.
    fn schema() -> Schema;

    /// What can be said of the block beyond the checks of the schema. Values may be unknown.
    fn validate(_config: &Config<'_>, _diagnostics: &mut Diagnostics) {}

    /// The clients for this configuration. Calls nothing: what is unknown or missing matters to those who use it.
    fn configure(config: Config<'_>, terraform_version: &str)
    -> Result<Self::Clients, Diagnostics>;

    /// Ends what the clients have open in the world: called once, when all calls have ended, and not waited for
    /// long.
    fn close(_clients: &Self::Clients) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Its resources: `vec![resource::<PodRoutes>(), …]`.
    fn resources() -> Vec<Box<dyn AnyResource<Self::Clients>>>;

    /// Its data sources: `vec![data_source::<ClusterNodes>(), …]`.
    fn data_sources() -> Vec<Box<dyn AnyDataSource<Self::Clients>>>;

    /// Its functions: `vec![function::<PodRoutes>(), …]`.
    fn functions() -> Vec<AnyFunction>;
}
