//! The names that an expression may use, by the place where it stands.

use crate::expression::ExpressionError;
use crate::problem::did_you_mean;

/// What is known at one place, with the places that know more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    roots: Vec<(&'static str, Fields)>,
    /// Said where a name is unknown here but known elsewhere.
    elsewhere: Vec<(&'static str, &'static str)>,
}

/// What a name holds.
#[derive(Debug, Clone)]
pub(crate) enum Fields {
    /// It is a value or a list.
    None,
    /// A map with these keys.
    These(Vec<String>),
    /// A map whose keys are not known before it is there.
    Any,
}

impl Fields {
    pub(crate) fn these<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::These(names.into_iter().map(str::to_owned).collect())
    }
}

impl Names {
    pub(crate) fn with(mut self, root: &'static str, fields: Fields) -> Self {
        self.roots.retain(|(name, _)| *name != root);
        self.elsewhere.retain(|(name, _)| *name != root);
        self.roots.push((root, fields));
        self
    }

    /// Says what to do where somebody uses a name that is not known here.
    pub(crate) fn without(mut self, root: &'static str, help: &'static str) -> Self {
        self.elsewhere.push((root, help));
        self
    }

    /// Refuses an unknown name.
    pub(crate) fn root(&self, name: &str) -> Result<&Fields, ExpressionError> {
        if let Some((_, fields)) = self.roots.iter().find(|(root, _)| *root == name) {
            return Ok(fields);
        }
        let error = ExpressionError::new(format!("`{name}` is not known here"));
        if let Some((_, help)) = self.elsewhere.iter().find(|(root, _)| *root == name) {
            return Err(error.help(*help));
        }
        let roots: Vec<&str> = self.roots.iter().map(|(root, _)| *root).collect();
        Err(error.help(did_you_mean(name, roots.iter().copied()).unwrap_or_else(|| known(&roots))))
    }

    /// Refuses an unknown key of a name.
    pub(crate) fn field(&self, root: &str, field: &str) -> Result<(), ExpressionError> {
        match self.root(root)? {
            Fields::Any => Ok(()),
            Fields::None => Err(ExpressionError::new(format!(
                "`{root}` has no parts, so no `{field}`"
            ))),
            Fields::These(names) if names.iter().any(|name| name == field) => Ok(()),
            Fields::These(names) => {
                let error = ExpressionError::new(format!("there is no `{root}.{field}`"));
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let full: Vec<String> = names.iter().map(|name| format!("{root}.{name}")).collect();
                let likely = did_you_mean(field, names.iter().copied())
                    .map(|help| help.replacen('`', &format!("`{root}."), 1));
                let full: Vec<&str> = full.iter().map(String::as_str).collect();
                Err(error.help(likely.unwrap_or_else(|| known(&full))))
            }
        }
    }
}

fn known(names: &[&str]) -> String {
    match names {
        [] => "there are none here".to_owned(),
        names => format!(
            "known here: {}",
            names.iter().take(20).copied().collect::<Vec<_>>().join(", ")
        ),
    }
}
