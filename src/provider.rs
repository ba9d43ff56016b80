//! The `provider "ako"` block, and the lists of what the provider serves.

use crate::framework::diagnostics::Diagnostics;
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::plan::Config;
use crate::framework::provider::Provider;
use crate::framework::schema::Schema;

/// The provider for AKO.
pub struct Ako;

impl Provider for Ako {
    const NAME: &'static str = "ako";
    type Clients = ();

    fn schema() -> Schema {
        Schema::new("AKO in `ClusterIP` mode on Azure.", Vec::new())
    }

    fn configure(_config: Config<'_>, _terraform_version: &str) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources() -> Vec<Box<dyn AnyResource<()>>> {
        Vec::new()
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<()>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        Vec::new()
    }
}
