//! How people name things on the command line.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use keirin_client::Client;
use keirin_model::flow::ParamValue;
use keirin_model::{AgentId, FlowId, UserId};
use keirin_wire::api::Flow;

/// A flow: its id, or its project and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlowName {
    Id(FlowId),
    Numbered { project: String, number: i64 },
}

impl FromStr for FlowName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` names no flow: give its id, or PROJECT#NUMBER as in `app#12`");
        match text.rsplit_once('#') {
            None => text.parse().map(Self::Id).map_err(|_| wrong()),
            Some((project, number)) => match number.parse() {
                Ok(number) if number > 0 && !project.is_empty() => Ok(Self::Numbered {
                    project: project.to_owned(),
                    number,
                }),
                _ => Err(wrong()),
            },
        }
    }
}

impl FlowName {
    /// The flow.
    pub(crate) async fn flow(&self, client: &Client) -> anyhow::Result<Flow> {
        Ok(match self {
            Self::Id(flow) => client.flow(*flow).await?,
            Self::Numbered { project, number } => client.flow_numbered(project, *number).await?,
        })
    }

    /// The flow's id.
    pub(crate) async fn id(&self, client: &Client) -> anyhow::Result<FlowId> {
        match self {
            Self::Id(flow) => Ok(*flow),
            Self::Numbered { .. } => Ok(self.flow(client).await?.id),
        }
    }
}

/// A project, and one of its branches where one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BranchName {
    pub(crate) project: String,
    pub(crate) branch: Option<String>,
}

impl FromStr for BranchName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A project's name holds no slash; a branch's may.
        let (project, branch) = match text.split_once('/') {
            None => (text, None),
            Some((project, branch)) => (project, Some(branch)),
        };
        if project.is_empty() || branch.is_some_and(str::is_empty) {
            return Err(format!("`{text}` is not PROJECT or PROJECT/BRANCH"));
        }
        Ok(Self {
            project: project.to_owned(),
            branch: branch.map(str::to_owned),
        })
    }
}

/// A parameter of a workflow with its value. The server reads the text as what the parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok(Self {
                name: name.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(format!("`{text}` is not NAME=VALUE")),
        }
    }
}

impl From<Setting> for (String, ParamValue) {
    fn from(setting: Setting) -> Self {
        (setting.name, ParamValue::Text(setting.value))
    }
}

/// The agent with this id or name.
pub(crate) async fn agent(client: &Client, named: &str) -> anyhow::Result<AgentId> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let agents = client.agents().await?.items;
    let found = agents.iter().find(|agent| agent.name == named);
    let names = || {
        agents
            .iter()
            .map(|agent| agent.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match found {
        Some(agent) => Ok(agent.id),
        None if agents.is_empty() => bail!("there is no agent `{named}`; none has made itself known"),
        None => bail!("there is no agent `{named}`; there is {}", names()),
    }
}

/// The person with this id or name.
pub(crate) async fn user(client: &Client, named: &str) -> anyhow::Result<UserId> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let users = client.users().await?.items;
    let found = users.iter().find(|user| user.name == named);
    Ok(found
        .with_context(|| format!("there is no user `{named}`; `keirin user list` shows them"))?
        .id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_named_by_id_or_by_project_and_number() {
        assert_eq!("17".parse(), Ok(FlowName::Id(FlowId(17))));
        let numbered = FlowName::Numbered {
            project: "app".to_owned(),
            number: 3,
        };
        assert_eq!("app#3".parse(), Ok(numbered));
        for wrong in ["", "app", "0", "-1", "app#", "#3", "app#0", "app#x"] {
            let error = wrong.parse::<FlowName>().unwrap_err();
            assert!(error.contains("PROJECT#NUMBER"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_branch_may_have_slashes_in_its_name() {
        let name = |project: &str, branch: Option<&str>| {
            Ok(BranchName {
                project: project.to_owned(),
                branch: branch.map(str::to_owned),
            })
        };
        assert_eq!("app".parse(), name("app", None));
        assert_eq!("app/main".parse(), name("app", Some("main")));
        assert_eq!("app/release/1.0".parse(), name("app", Some("release/1.0")));
        for wrong in ["", "/main", "app/"] {
            assert!(wrong.parse::<BranchName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_may_hold_anything() {
        let setting = |name: &str, value: &str| {
            Ok(Setting {
                name: name.to_owned(),
                value: value.to_owned(),
            })
        };
        assert_eq!("profile=dev".parse(), setting("profile", "dev"));
        assert_eq!("text= a=b ".parse(), setting("text", " a=b "));
        assert_eq!("empty=".parse(), setting("empty", ""));
        for wrong in ["", "profile", "=dev"] {
            assert!(wrong.parse::<Setting>().is_err(), "{wrong}");
        }
    }
}
