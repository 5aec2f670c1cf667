/** What the page does: one function for each thing that a person can ask for, by noun. */
import { apiUrl, client, told } from "./client";
import type {
  ChangeAgent,
  ChangeProject,
  ChangeUser,
  CreateProject,
  CreateToken,
  CreateUser,
  Credential,
  NewPassword,
  Param,
  ParamValue,
  ProjectRetentionRules,
  RetentionRules,
  Role,
  StartFlow,
} from "./types";

const ofProject = (project: string) => ({ path: { project } });
const ofMember = (project: string, user: string) => ({ path: { project, user } });

export const signIn = (name: string, password: string) => told(client.POST("/api/v1/sign-in", { body: { name, password } }));
export const signOut = () => told(client.POST("/api/v1/sign-out"));
export const setOwnPassword = (body: NewPassword) => told(client.PUT("/api/v1/me/password", { body }));

export const createProject = (body: CreateProject) => told(client.POST("/api/v1/projects", { body }));
export const changeProject = (project: string, body: ChangeProject) =>
  told(client.PATCH("/api/v1/projects/{project}", { params: ofProject(project), body }));
export const deleteProject = (project: string) => told(client.DELETE("/api/v1/projects/{project}", { params: ofProject(project) }));
export const setCredential = (project: string, body: Credential) =>
  told(client.PUT("/api/v1/projects/{project}/credential", { params: ofProject(project), body }));
export const removeCredential = (project: string) =>
  told(client.DELETE("/api/v1/projects/{project}/credential", { params: ofProject(project) }));
export const setMember = (project: string, user: string, role: Role) =>
  told(client.PUT("/api/v1/projects/{project}/members/{user}", { params: ofMember(project, user), body: { role } }));
export const removeMember = (project: string, user: string) =>
  told(client.DELETE("/api/v1/projects/{project}/members/{user}", { params: ofMember(project, user) }));
export const setProjectRetention = (project: string, body: ProjectRetentionRules) =>
  told(client.PUT("/api/v1/projects/{project}/retention", { params: ofProject(project), body }));
export const setServerRetention = (body: RetentionRules) => told(client.PUT("/api/v1/retention", { body }));

export const checkWorkflow = (file: string, text: string) => told(client.POST("/api/v1/workflows/check", { body: { file, text } }));
export const startFlow = (project: string, body: StartFlow) =>
  told(client.POST("/api/v1/projects/{project}/flows", { params: ofProject(project), body }));
export const cancelFlow = (flow: string) => told(client.POST("/api/v1/flows/{flow}/cancel", { params: { path: { flow } } }));
export const rerunFlow = (flow: string, failed: boolean) =>
  told(client.POST("/api/v1/flows/{flow}/rerun", { params: { path: { flow } }, body: { failed } }));
export const pinFlow = (flow: string) => told(client.PUT("/api/v1/flows/{flow}/pin", { params: { path: { flow } } }));
export const unpinFlow = (flow: string) => told(client.DELETE("/api/v1/flows/{flow}/pin", { params: { path: { flow } } }));
export const startRun = (run: string) => told(client.POST("/api/v1/runs/{run}/start", { params: { path: { run } } }));
export const cancelRun = (run: string) => told(client.POST("/api/v1/runs/{run}/cancel", { params: { path: { run } } }));
export const cancelJob = (job: string) => told(client.POST("/api/v1/jobs/{job}/cancel", { params: { path: { job } } }));

export const changeAgent = (agent: string, body: ChangeAgent) =>
  told(client.PATCH("/api/v1/agents/{agent}", { params: { path: { agent } }, body }));
export const deleteWaitingAgents = () => told(client.DELETE("/api/v1/agents", { params: { query: { state: "unauthorised" } } }));
export const deleteAgent = (agent: string) => told(client.DELETE("/api/v1/agents/{agent}", { params: { path: { agent } } }));

export const runBackgroundJob = (job: string) =>
  told(client.POST("/api/v1/background-jobs/{background_job}/run", { params: { path: { background_job: job } } }));
export const cancelBackgroundJob = (job: string) =>
  told(client.DELETE("/api/v1/background-jobs/{background_job}", { params: { path: { background_job: job } } }));

export const createToken = (body: CreateToken) => told(client.POST("/api/v1/tokens", { body }));
export const deleteToken = (token: string) => told(client.DELETE("/api/v1/tokens/{token}", { params: { path: { token } } }));

export const createUser = (body: CreateUser) => told(client.POST("/api/v1/users", { body }));
export const changeUser = (user: string, body: ChangeUser) =>
  told(client.PATCH("/api/v1/users/{user}", { params: { path: { user } }, body }));
export const signInLinkFor = (user: string) => told(client.POST("/api/v1/users/{user}/sign-in-link", { params: { path: { user } } }));

const part = encodeURIComponent;

export const artifactUrl = (artifact: string) => apiUrl(`artifacts/${part(artifact)}`).href;
export const rawLogUrl = (job: string, attempt: number | undefined) => apiUrl(`jobs/${part(job)}/log/raw`, { attempt }).href;
export const logStreamUrl = (job: string, from: number) => apiUrl(`jobs/${part(job)}/log/stream`, { from });

/** What a parameter is when nobody says. */
export function defaultOf(param: Param): ParamValue {
  if (param.default !== null) return param.default;
  if (param.kind === "boolean") return false;
  if (param.kind === "choice") return param.choices[0] ?? "";
  return "";
}
