//! Making, changing and removing projects.

use axum::http::{Method, StatusCode};
use keirin_model::access::Role;
use keirin_wire::api::{Member, Page, Project};
use serde_json::json;

use crate::world::{By, World};

#[tokio::test]
async fn a_project_is_made_changed_and_removed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"name": "keirin", "repository": "https://example.org/keirin.git"});
    let answer = world.post(&admin, "/api/v1/projects", wanted.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let project: Project = answer.json();
    assert_eq!(
        (project.role, project.has_credential, project.public),
        (Role::Admin, false, false)
    );
    let again = world.post(&admin, "/api/v1/projects", wanted).await;
    assert_eq!(again.problem().kind, "conflict");

    let credential = json!({"username": "ci", "password": "hush"});
    let stored = world
        .call(
            &admin,
            Method::PUT,
            "/api/v1/projects/keirin/credential",
            credential,
        )
        .await;
    assert_eq!(stored.status, StatusCode::NO_CONTENT);
    let sealed = world
        .store
        .repository_access(project.id)
        .await
        .unwrap()
        .credential
        .unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("hush"));
    let opened = keirin_api::credentials::open(&world.keys, project.id, &sealed).unwrap();
    let plain = keirin_git::Credential::Basic {
        username: "ci".to_owned(),
        password: "hush".to_owned(),
    };
    assert_eq!(opened, plain);

    let change = json!({"public": true, "workflow_file": "ci/keirin.yaml"});
    let changed = world
        .call(&admin, Method::PATCH, "/api/v1/projects/keirin", change)
        .await;
    let project: Project = changed.json();
    assert!(project.public && project.has_credential);
    assert_eq!(project.workflow_file.as_deref(), Some("ci/keirin.yaml"));
    let moved = json!({"repository": "https://elsewhere.example.org/keirin.git"});
    let changed = world
        .call(&admin, Method::PATCH, "/api/v1/projects/keirin", moved)
        .await;
    assert!(
        !changed.json::<Project>().has_credential,
        "no other server is to get the credential"
    );

    let gone = world
        .call(&admin, Method::DELETE, "/api/v1/projects/keirin", json!(null))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(
        world.get(&admin, "/api/v1/projects/keirin").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_repository_that_is_not_there_leaves_no_project() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.work.refuse_projects();
    let wanted = json!({"name": "keirin", "repository": "https://example.org/missing.git"});
    let answer = world.post(&admin, "/api/v1/projects", wanted).await;
    assert_eq!(
        answer.problem().detail.as_deref(),
        Some("There is no git repository at this address.")
    );
    assert_eq!(
        world.get(&admin, "/api/v1/projects/keirin").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_address_that_git_would_read_otherwise_is_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    for bad in [
        "--upload-pack=touch /tmp/x",
        "ext::sh -c id",
        "https://user:secret@example.org/x",
        "../x",
        "",
    ] {
        let answer = world
            .post(
                &admin,
                "/api/v1/projects",
                json!({"name": "x", "repository": bad}),
            )
            .await;
        assert_eq!(answer.problem().kind, "invalid", "{bad}");
        assert!(!answer.text().contains("secret"));
    }
    for bad in ["", "../x", "a/b", "-x", "x.git"] {
        let wanted = json!({"name": bad, "repository": "https://example.org/x.git"});
        let answer = world.post(&admin, "/api/v1/projects", wanted).await;
        assert_eq!(answer.problem().kind, "invalid", "{bad}");
    }
    let wanted =
        json!({"name": "x", "repository": "https://example.org/x.git", "workflow_file": "../../etc/passwd"});
    assert_eq!(
        world
            .post(&admin, "/api/v1/projects", wanted)
            .await
            .problem()
            .kind,
        "invalid"
    );
}

#[tokio::test]
async fn a_path_on_the_server_is_an_admins_to_name() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Maintainer)).await;
    let maintainer = world.browser(user).await;
    let wanted = json!({"name": "local", "repository": "/srv/repository"});
    let answer = world.post(&maintainer, "/api/v1/projects", wanted.clone()).await;
    assert_eq!(answer.problem().kind, "role-needed");
    assert_eq!(
        world.post(&admin, "/api/v1/projects", wanted).await.status,
        StatusCode::CREATED
    );
    world.project("remote", false).await;
    let change = json!({"repository": "/srv/repository"});
    let answer = world
        .call(&maintainer, Method::PATCH, "/api/v1/projects/remote", change)
        .await;
    assert_eq!(answer.problem().kind, "role-needed");
}

#[tokio::test]
async fn where_a_repository_lies_on_the_server_is_for_those_who_may_change_the_project() {
    use Role::{Admin, Developer, Maintainer, Viewer};

    let world = World::new().await;
    let admin = world.admin().await;
    for (name, repository) in [
        ("local", "/srv/git/local.git"),
        ("file", "file:///srv/git/local.git/"),
        ("remote", "https://example.org/remote.git"),
    ] {
        let wanted = json!({"name": name, "repository": repository, "public": true});
        let made = world.post(&admin, "/api/v1/projects", wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    }
    let local = world.store.place_named("local").await.unwrap().unwrap().project;
    let (whole, part) = ("/srv/git/local.git", "local.git");
    let mut callers = vec![(By::Nobody, part), (admin, whole)];
    for (role, shown) in [
        (Viewer, part),
        (Developer, part),
        (Maintainer, whole),
        (Admin, whole),
    ] {
        let member = world.user(&format!("member-{role}"), None).await;
        world.store.set_project_role(member, local, role).await.unwrap();
        callers.push((world.browser(member).await, shown));
    }
    for (by, shown) in callers {
        let project: Project = world.get(&by, "/api/v1/projects/local").await.json();
        assert_eq!(project.repository, shown, "{:?}", project.role);
        let projects: Page<Project> = world.get(&by, "/api/v1/projects").await.json();
        let [file, local, remote] = &projects.items[..] else {
            panic!("three projects: {projects:?}")
        };
        assert_eq!(local.repository, shown, "{:?}", local.role);
        if file.role < Maintainer {
            assert_eq!(file.repository, part, "{:?}", file.role);
        }
        assert_eq!(remote.repository, "https://example.org/remote.git");
    }
}

#[tokio::test]
async fn who_has_named_a_repository_is_taken_down() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Maintainer)).await;
    let maintainer = world.browser(user).await;
    let (project, _) = world.project("here", false).await;
    let path = "/api/v1/projects/here";
    for (number, (who, by_admin)) in [(&admin, true), (&maintainer, false), (&admin, true)]
        .iter()
        .enumerate()
    {
        let change = json!({"repository": format!("https://example.org/{number}.git")});
        let answer = world.call(who, Method::PATCH, path, change).await;
        assert_eq!(answer.status, StatusCode::OK);
        let named = named_by_admin(&world, project).await;
        assert_eq!(named, *by_admin);
    }
    // Who says the same address again stands for it, if that is an admin.
    let change = json!({"repository": "https://example.org/3.git"});
    world.call(&maintainer, Method::PATCH, path, change.clone()).await;
    world.call(&maintainer, Method::PATCH, path, change.clone()).await;
    assert!(!named_by_admin(&world, project).await);
    world.call(&admin, Method::PATCH, path, change).await;
    assert!(named_by_admin(&world, project).await);
    // What leaves the address as it is changes nobody's word.
    let change = json!({"repository": "https://example.org/3.git", "public": true});
    world.call(&maintainer, Method::PATCH, path, change).await;
    assert!(named_by_admin(&world, project).await);
}

/// PostgreSQL keeps NUL in no text.
#[tokio::test]
async fn a_text_with_nul_is_a_fault_of_whoever_sends_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.project("here", false).await;
    for path in [
        "/api/v1/projects/a%00",
        "/api/v1/projects/here/flows?branch=a%00",
        "/api/v1/dashboards/a%00",
        "/prometheus/api/v1/label/a%00/values",
        "/prometheus/api/v1/series?match[]=up{a=%22%00%22}",
    ] {
        let answer = world.get(&admin, path).await;
        assert!(
            answer.status.is_client_error() || answer.status.is_success(),
            "{path}: {}",
            answer.status
        );
    }
    let token = json!({"kind": "api", "name": "a\0", "role": "viewer"});
    let answer = world.post(&admin, "/api/v1/tokens", token).await;
    assert_eq!(answer.problem().kind, "invalid");
    let answer = world.post(&admin, "/api/v1/users", json!({"name": "a\0"})).await;
    assert_eq!(answer.problem().kind, "invalid");
}

async fn named_by_admin(world: &World, project: keirin_model::ProjectId) -> bool {
    let access = world.store.repository_access(project).await.unwrap();
    access.named_by_admin
}

#[tokio::test]
async fn members_come_and_go() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.project("here", false).await;
    let user = world.user("mika", None).await;
    let member = world.browser(user).await;
    let path = format!("/api/v1/projects/here/members/{user}");
    assert_eq!(seen(&world, &member).await, StatusCode::NOT_FOUND);
    world
        .call(&admin, Method::PUT, &path, json!({"role": "maintainer"}))
        .await;
    assert_eq!(seen(&world, &member).await, StatusCode::OK);
    let members: Page<Member> = world.get(&member, "/api/v1/projects/here/members").await.json();
    assert_eq!(
        (members.items[0].name.as_str(), members.items[0].role),
        ("mika", Role::Maintainer)
    );
    world.call(&admin, Method::DELETE, &path, json!(null)).await;
    assert_eq!(seen(&world, &member).await, StatusCode::NOT_FOUND);
    let unknown = world.call(
        &admin,
        Method::PUT,
        "/api/v1/projects/here/members/999",
        json!({"role": "viewer"}),
    );
    assert_eq!(unknown.await.problem().kind, "conflict");
}

async fn seen(world: &World, by: &By) -> StatusCode {
    world.get(by, "/api/v1/projects/here").await.status
}
