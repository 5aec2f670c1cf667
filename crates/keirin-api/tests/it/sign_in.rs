//! Signing in and out: links, passwords, sessions, and pages of other servers.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use keirin_api::HttpSettings;
use keirin_model::access::Role;
use keirin_wire::api::{IdentityKind, Me, SignInLink, User};
use serde_json::json;

use crate::answer::Answer;
use crate::world::{ADDRESS, By, World};

#[tokio::test]
async fn the_first_admin_comes_by_a_link_that_works_once() {
    let world = World::new().await;
    let link = world.app.sign_in_link(None).await.unwrap();
    let path = link.url.strip_prefix(ADDRESS).unwrap();
    // A program that looks whether the link leads anywhere does not use it up.
    let look = world.begin(&By::Nobody, Method::HEAD, path, Body::empty()).await;
    assert!(!look.headers().contains_key("set-cookie"));

    // Nor does a page of another server that shows it as an image.
    let shown = world.get(&By::Nobody, path).await;
    assert_eq!((shown.status, shown.cookie()), (StatusCode::OK, None));
    assert!(
        shown.text().contains("Sign in as admin") && shown.text().contains(path),
        "{}",
        shown.text()
    );
    let foreign = Request::post(path)
        .header("host", "keirin.test")
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty());
    let foreign = Answer::read(world.send(foreign.unwrap()).await).await;
    assert_eq!(foreign.problem().kind, "forbidden");

    let first = world.click(path).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(first.header("location"), "/");
    let set = first.header("set-cookie");
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/;"),
        "{set}"
    );
    assert!(!set.contains("Secure"), "the address is not https: {set}");
    let browser = By::Browser(first.cookie().unwrap());
    let me: Me = world.get(&browser, "/api/v1/me").await.json();
    assert_eq!(
        (me.kind, me.name.as_deref(), me.role),
        (IdentityKind::Session, Some("admin"), Some(Role::Admin))
    );

    for second in [world.click(path).await, world.get(&By::Nobody, path).await] {
        assert_eq!(second.header("location"), "/sign-in?link=used");
        assert_eq!(second.cookie(), None);
    }
}

#[tokio::test]
async fn a_link_ends_after_a_quarter_of_an_hour() {
    let world = World::new().await;
    let link = world.app.sign_in_link(None).await.unwrap();
    world.pass(SignedDuration::from_mins(15));
    let answer = world.click(link.url.strip_prefix(ADDRESS).unwrap()).await;
    assert_eq!(answer.cookie(), None);
}

#[tokio::test]
async fn somebody_signs_in_by_password_and_out_again() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"name": "mika", "role": "developer", "password": "a long password"});
    let user: User = world.post(&admin, "/api/v1/users", wanted).await.json();
    assert!(user.has_password);

    let wrong = sign_in(&world, "mika", "another password").await;
    assert_eq!(wrong.problem().kind, "not-accepted");
    let unknown = sign_in(&world, "nobody", "a long password").await;
    assert_eq!(
        unknown.text(),
        wrong.text(),
        "an answer must not say which names there are"
    );

    let answer = sign_in(&world, "Mika", "a long password").await;
    let me: Me = answer.json();
    assert_eq!(me.role, Some(Role::Developer));
    let browser = By::Browser(answer.cookie().unwrap());
    assert_eq!(world.get(&browser, "/api/v1/agents").await.status, StatusCode::OK);
    let out = world.post(&browser, "/api/v1/sign-out", json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(
        world.get(&browser, "/api/v1/agents").await.problem().kind,
        "sign-in-needed"
    );
}

#[tokio::test]
async fn guessing_a_password_is_stopped_and_time_lets_one_try_again() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"name": "mika", "password": "a long password"});
    world.post(&admin, "/api/v1/users", wanted).await;
    for _ in 0..10 {
        assert_eq!(
            sign_in(&world, "mika", "guess").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let stopped = sign_in(&world, "mika", "a long password").await;
    assert_eq!(stopped.problem().kind, "too-many");
    assert_eq!(stopped.header("retry-after"), "60");
    world.pass(SignedDuration::from_secs(60));
    assert_eq!(
        sign_in(&world, "mika", "a long password").await.status,
        StatusCode::OK
    );
}

/// An address of the network for examples.
fn address(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

async fn sign_in_from(world: &World, from: IpAddr, name: &str, password: &str) -> Answer {
    let body = json!({"name": name, "password": password}).to_string();
    let request = Request::post("/api/v1/sign-in")
        .header("host", "keirin.test")
        .header("content-type", "application/json")
        .body(Body::from(body));
    Answer::read(world.send_from(from, request.unwrap()).await).await
}

#[tokio::test]
async fn guesses_by_one_name_from_everywhere_do_not_shut_its_owner_out() {
    let world = World::new().await;
    let admin = world.admin().await;
    for name in ["mika", "other"] {
        let wanted = json!({"name": name, "password": "a long password"});
        world.post(&admin, "/api/v1/users", wanted).await;
    }
    let at_home = sign_in_from(&world, address(1), "mika", "a long password").await;
    let browser = By::Browser(at_home.cookie().unwrap());
    let mut refused = 0;
    for number in 10..40 {
        let guess = sign_in_from(&world, address(number), "mika", "guess guess").await;
        refused += usize::from(guess.problem().kind == "too-many");
    }
    assert_eq!(refused, 20, "ten guesses, wherever they come from");
    let abroad = sign_in_from(&world, address(99), "mika", "a long password").await;
    assert_eq!(abroad.problem().kind, "too-many");

    // At home the right password works, and so do the session and another name.
    for _ in 0..12 {
        let guess = sign_in_from(&world, address(1), "mika", "guess guess").await;
        assert_eq!(guess.problem().kind, "not-accepted");
    }
    let at_home = sign_in_from(&world, address(1), "Mika", "a long password").await;
    assert_eq!(at_home.status, StatusCode::OK);
    assert_eq!(world.get(&browser, "/api/v1/agents").await.status, StatusCode::OK);
    let other = sign_in_from(&world, address(99), "other", "a long password").await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn one_address_can_use_up_neither_every_name_nor_the_memory() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = json!({"name": "mika", "password": "a long password"});
    world.post(&admin, "/api/v1/users", wanted).await;
    for number in 0..30 {
        let kind = sign_in_from(&world, address(1), &format!("name{number}"), "guess guess")
            .await
            .problem()
            .kind;
        assert_eq!(
            kind,
            if number < 10 { "not-accepted" } else { "too-many" },
            "{number}"
        );
    }
    // Guesses by a name that its address has used up do not count against the name.
    for _ in 0..30 {
        let guess = sign_in_from(&world, address(1), "mika", "guess guess").await;
        assert_eq!(guess.problem().kind, "too-many");
    }
    let elsewhere = sign_in_from(&world, address(2), "mika", "a long password").await;
    assert_eq!(elsewhere.status, StatusCode::OK);
}

#[tokio::test]
async fn a_network_of_ipv6_counts_as_one_address() {
    let world = World::new().await;
    for number in 0..30_u16 {
        let from = format!("2001:db8:1:2::{number:x}").parse().unwrap();
        let kind = sign_in_from(&world, from, &format!("name{number}"), "guess guess")
            .await
            .problem()
            .kind;
        assert_eq!(
            kind,
            if number < 10 { "not-accepted" } else { "too-many" },
            "{number}"
        );
    }
}

#[tokio::test]
async fn who_is_known_is_heard_beside_a_flood_from_the_same_address() {
    let mut settings = HttpSettings::at(ADDRESS.parse().unwrap());
    settings.calls_per_minute = 40;
    let world = World::with(settings).await;
    let admin = world.admin().await;
    let token = world.token(&admin, Role::Viewer, None).await;
    assert_eq!(world.get(&token, "/api/v1/agents").await.status, StatusCode::OK);
    let guess = By::Token("keirin_api_guess".to_owned());
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..60 {
        kinds.insert(world.get(&guess, "/api/v1/agents").await.problem().kind);
    }
    let wanted = ["not-accepted".to_owned(), "too-many".to_owned()];
    assert_eq!(kinds, wanted.into());
    for by in [&admin, &token] {
        assert_eq!(world.get(by, "/api/v1/agents").await.status, StatusCode::OK);
    }
    assert_eq!(world.get(&By::Nobody, "/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_when_it_lies_idle_and_in_any_case_after_a_month() {
    let world = World::new().await;
    let idle = world.admin().await;
    world.pass(SignedDuration::from_hours(24 * 7));
    assert_eq!(
        world.get(&idle, "/api/v1/agents").await.status,
        StatusCode::UNAUTHORIZED
    );

    let used = world.admin().await;
    for _ in 0..5 {
        world.pass(SignedDuration::from_hours(24 * 6 - 1));
        assert_eq!(world.get(&used, "/api/v1/agents").await.status, StatusCode::OK);
    }
    world.pass(SignedDuration::from_hours(5));
    assert_eq!(
        world.get(&used, "/api/v1/agents").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn who_is_kept_out_is_out_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Developer)).await;
    let browser = world.browser(user).await;
    let token = world.token(&browser, Role::Developer, None).await;
    assert_eq!(world.get(&token, "/api/v1/agents").await.status, StatusCode::OK);
    let path = format!("/api/v1/users/{user}");
    let changed = world
        .call(&admin, Method::PATCH, &path, json!({"disabled": true}))
        .await;
    assert!(changed.json::<User>().disabled);
    for by in [&browser, &token] {
        assert_eq!(
            world.get(by, "/api/v1/agents").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test]
async fn the_last_admin_cannot_be_lost() {
    let world = World::new().await;
    let admin = world.admin().await;
    for change in [
        json!({"disabled": true}),
        json!({"role": "viewer"}),
        json!({"no_role": true}),
    ] {
        let answer = world.call(&admin, Method::PATCH, "/api/v1/users/1", change).await;
        assert_eq!(answer.problem().kind, "conflict");
    }
    world.user("second", Some(Role::Admin)).await;
    let answer = world
        .call(
            &admin,
            Method::PATCH,
            "/api/v1/users/1",
            json!({"role": "viewer"}),
        )
        .await;
    assert_eq!(answer.json::<User>().role, Some(Role::Viewer));
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_needs_the_present_one() {
    let world = World::new().await;
    let admin = world.admin().await;
    let elsewhere = world.admin().await;
    let set = json!({"new": "a long password"});
    let answer = world.call(&admin, Method::PUT, "/api/v1/me/password", set).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(
        world.get(&elsewhere, "/api/v1/agents").await.status,
        StatusCode::UNAUTHORIZED
    );

    let answer = sign_in(&world, "admin", "a long password").await;
    let browser = By::Browser(answer.cookie().unwrap());
    for wrong in [
        json!({"new": "longer password"}),
        json!({"current": "guess", "new": "longer password"}),
    ] {
        let answer = world
            .call(&browser, Method::PUT, "/api/v1/me/password", wrong)
            .await;
        assert_eq!(answer.problem().kind, "invalid");
    }
    let short = json!({"current": "a long password", "new": "short"});
    let answer = world
        .call(&browser, Method::PUT, "/api/v1/me/password", short)
        .await;
    assert_eq!(answer.problem().kind, "invalid");
    let token = world.token(&browser, Role::Admin, None).await;
    let right = json!({"current": "a long password", "new": "longer password"});
    let answer = world
        .call(&token, Method::PUT, "/api/v1/me/password", right)
        .await;
    assert_eq!(answer.problem().kind, "forbidden");
}

#[tokio::test]
async fn a_page_of_another_server_cannot_use_the_cookie() {
    let world = World::new().await;
    let By::Browser(cookie) = world.admin().await else {
        panic!("an admin signs in by a browser")
    };
    let said: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.test")],
        &[],
    ];
    for headers in said {
        let answer = post_with(&world, Some(&cookie), headers).await;
        assert_eq!(answer.problem().kind, "forbidden", "{headers:?}");
    }
    for headers in [
        [("sec-fetch-site", "same-origin")],
        [("origin", "http://keirin.test")],
    ] {
        let answer = post_with(&world, Some(&cookie), &headers).await;
        assert_eq!(
            answer.status,
            StatusCode::CREATED,
            "{headers:?}: {}",
            answer.text()
        );
    }
    // Without the cookie there is nothing to steal, but a browser can be signed in as somebody else.
    let answer = post_with(&world, None, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.problem().kind, "forbidden");
}

#[tokio::test]
async fn two_servers_on_one_machine_do_not_sign_each_other_out() {
    let mut names = Vec::new();
    for address in ["http://localhost:8460/", "http://localhost:8461/"] {
        let world = World::with(HttpSettings::at(address.parse().unwrap())).await;
        let link = world.app.sign_in_link(None).await.unwrap();
        let path = link.url.strip_prefix(address.trim_end_matches('/')).unwrap();
        let cookie = world.click(path).await.cookie().unwrap();
        names.push(cookie.split_once('=').unwrap().0.to_owned());
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn an_admin_lets_somebody_in_by_a_link() {
    let world = World::new().await;
    let admin = world.admin().await;
    let user = world.user("mika", Some(Role::Viewer)).await;
    let answer = world
        .post(&admin, &format!("/api/v1/users/{user}/sign-in-link"), json!({}))
        .await;
    let link: SignInLink = answer.json();
    let answer = world.click(link.url.strip_prefix(ADDRESS).unwrap()).await;
    let browser = By::Browser(answer.cookie().unwrap());
    let me: Me = world.get(&browser, "/api/v1/me").await.json();
    assert_eq!(me.name.as_deref(), Some("mika"));
}

#[tokio::test]
async fn over_https_the_cookie_travels_over_nothing_else() {
    let world = World::with(HttpSettings::at("https://ci.test/keirin/".parse().unwrap())).await;
    let link = world.app.sign_in_link(None).await.unwrap();
    assert!(
        link.url.starts_with("https://ci.test/keirin/sign-in/"),
        "{}",
        link.url
    );
    let path = link.url.strip_prefix("https://ci.test").unwrap();
    let answer = world.click(path).await;
    assert_eq!(answer.header("location"), "/keirin/");
    let set = answer.header("set-cookie");
    assert!(set.contains("; Secure") && set.contains("Path=/keirin;"), "{set}");
    assert!(!answer.header("strict-transport-security").is_empty());
}

async fn sign_in(world: &World, name: &str, password: &str) -> Answer {
    let body = json!({"name": name, "password": password});
    world.post(&By::Nobody, "/api/v1/sign-in", body).await
}

async fn post_with(world: &World, cookie: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let path = if cookie.is_some() {
        "/api/v1/tokens"
    } else {
        "/api/v1/sign-in"
    };
    let mut request = Request::post(path)
        .header("host", "keirin.test")
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let body = Body::from(json!({"kind": "api"}).to_string());
    Answer::read(world.send(request.body(body).unwrap()).await).await
}
