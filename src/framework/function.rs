//! Functions behind one type, called with arguments that fit their signature.

use super::guard;
use super::resource::{Function, FunctionError, Signature};
use super::schema_check::is_name;
use super::value::Value;

/// A function of any type.
pub struct AnyFunction {
    name: &'static str,
    signature: Signature,
    call: fn(&[Value]) -> Result<Value, FunctionError>,
}

/// The function `F` as one of many.
pub fn function<F: Function>() -> AnyFunction {
    AnyFunction {
        name: F::NAME,
        signature: F::signature(),
        call: F::call,
    }
}

impl AnyFunction {
    /// Its name in HCL.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Its result, if the arguments are as many as its parameters, known, not null and of their types.
    pub fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let arguments = self.check_arguments(arguments)?;
        let result = guard::catch(|| (self.call)(&arguments))
            .map_err(|panic| self.bug(&format!("it crashed: {panic}")))??;
        result
            .conform(&self.signature.result)
            .map_err(|error| self.bug(&format!("{}: {error}", error.path)))
    }

    /// What core or the docs cannot do with its signature.
    pub(super) fn check(&self) -> Vec<String> {
        let signature = &self.signature;
        let mut problems = Vec::new();
        let mut expect = |right: bool, problem: String| {
            if !right {
                problems.push(problem);
            }
        };
        expect(is_name(self.name), "is no name that core takes".to_owned());
        expect(
            !signature.summary.trim().is_empty(),
            "needs a summary".to_owned(),
        );
        expect(
            !signature.description.trim().is_empty(),
            "needs a description".to_owned(),
        );
        for parameter in &signature.parameters {
            let name = &parameter.name;
            expect(
                is_name(name),
                format!("{name:?} is no name that core takes"),
            );
            let described = !parameter.description.trim().is_empty();
            expect(described, format!("{name:?} needs a description"));
        }
        problems
    }

    fn check_arguments(&self, arguments: Vec<Value>) -> Result<Vec<Value>, FunctionError> {
        let parameters = &self.signature.parameters;
        if arguments.len() != parameters.len() {
            return Err(FunctionError {
                text: format!(
                    "{} takes {} arguments, not {}.",
                    self.name,
                    parameters.len(),
                    arguments.len()
                ),
                argument: None,
            });
        }
        let arguments = arguments.into_iter().zip(parameters).enumerate();
        arguments
            .map(|(position, (argument, parameter))| {
                let error = |text| FunctionError {
                    text,
                    argument: Some(position),
                };
                if argument.is_null() || !argument.is_wholly_known() {
                    return Err(error(format!("{} needs a known value.", parameter.name)));
                }
                argument
                    .conform(&parameter.r#type)
                    .map_err(|problem| error(format!("{}: {problem}.", problem.path)))
            })
            .collect()
    }

    fn bug(&self, what: &str) -> FunctionError {
        FunctionError {
            text: format!(
                "The function {} failed ({what}). This is a bug of the provider: please report it.",
                self.name
            ),
            argument: None,
        }
    }
}
