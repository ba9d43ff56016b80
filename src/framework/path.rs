//! Where in a value something is: the path that a diagnostic carries.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into the attribute of an object or the block of that name.
    Attribute(String),
    /// Into the element of a map under that key.
    Key(String),
    /// Into the element of a list at that position.
    Index(usize),
}

/// The way from the root of a configuration to one of its values. Elements of sets have no path of their own:
/// the path of their set stands for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root itself.
    pub fn root() -> Path {
        Path::default()
    }

    /// The attribute of that name at the root.
    pub fn attribute(name: &str) -> Path {
        Path::root().child(name)
    }

    /// This path and then the attribute of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Path {
        self.with(Step::Attribute(name.to_owned()))
    }

    /// This path and then the map element under that key.
    #[must_use]
    pub fn key(&self, key: &str) -> Path {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and then the list element at that position.
    #[must_use]
    pub fn index(&self, index: usize) -> Path {
        self.with(Step::Index(index))
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Path {
        Path(steps.into_iter().collect())
    }
}

/// A place in a value while walking through it. It costs nothing until a path is made of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// The root.
    Root,
    /// The attribute of an object at that place.
    Attribute(&'a Place<'a>, &'a str),
    /// The element of a map.
    Key(&'a Place<'a>, &'a str),
    /// The element of a list.
    Index(&'a Place<'a>, usize),
    /// An element of a set, which no path can name.
    Element(&'a Place<'a>),
}

impl Place<'_> {
    /// The path to this place, or to the outermost set that holds it.
    pub(super) fn path(&self) -> Path {
        match self {
            Place::Root => Path::root(),
            _ if self.is_in_set() => self.parent().path(),
            Place::Attribute(parent, name) => parent.path().child(name),
            Place::Key(parent, key) => parent.path().key(key),
            Place::Index(parent, index) => parent.path().index(*index),
            Place::Element(parent) => parent.path(),
        }
    }

    fn is_in_set(&self) -> bool {
        match self {
            Place::Root => false,
            Place::Element(_) => true,
            _ => self.parent().is_in_set(),
        }
    }

    fn parent(&self) -> &Place<'_> {
        match self {
            Place::Root => self,
            Place::Attribute(parent, _)
            | Place::Key(parent, _)
            | Place::Index(parent, _)
            | Place::Element(parent) => parent,
        }
    }
}

/// As Terraform writes it: `nodes["node-1"].pod_cidrs[0]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_path_reads_as_terraform_writes_it() {
        let path = Path::attribute("nodes")
            .key("node-1")
            .child("pod_cidrs")
            .index(0);
        assert_eq!(path.to_string(), r#"nodes["node-1"].pod_cidrs[0]"#);
    }
}
