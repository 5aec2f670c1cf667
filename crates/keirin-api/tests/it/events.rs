//! Following what changes.

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use futures::StreamExt;
use keirin_api::EventEnvelope;
use keirin_model::access::Role;
use keirin_model::{FlowId, ProjectId};
use keirin_wire::api::{Event, EventKind};

use crate::world::{By, World};

#[tokio::test]
async fn one_hears_of_what_one_may_see_and_goes_on_where_one_was() {
    let world = World::new().await;
    let mine = world.project("mine", false).await.0;
    let theirs = world.project("theirs", false).await.0;
    let user = world.user("mika", None).await;
    world
        .store
        .set_project_role(user, mine, Role::Viewer)
        .await
        .unwrap();
    let mika = world.browser(user).await;

    let response = world
        .begin(&mika, Method::GET, "/api/v1/events", Body::empty())
        .await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    world.work.tell(told("1-1", Some(theirs), 1));
    world.work.tell(told("1-2", Some(mine), 2));
    let first = next(&mut events).await;
    assert!(
        first.contains("id: 1-2\n") && first.contains("event: flow\n"),
        "{first}"
    );
    assert!(first.contains("\"flow\":\"2\""), "{first}");
    drop(events);

    world.work.tell(told("1-3", Some(mine), 3));
    world.work.tell(told("1-4", Some(theirs), 4));
    let mut events = resume(&world, &mika, "1-2").await;
    let second = next(&mut events).await;
    assert!(second.contains("id: 1-3\n"), "{second}");
    world.work.tell(told("1-5", Some(mine), 5));
    let third = next(&mut events).await;
    assert!(third.contains("id: 1-5\n"), "{third}");
}

fn told(position: &str, project: Option<ProjectId>, flow: i64) -> EventEnvelope {
    let mut event = Event::new(EventKind::Flow, jiff::Timestamp::UNIX_EPOCH);
    event.project_id = project;
    event.flow = Some(FlowId(flow));
    EventEnvelope {
        position: position.to_owned(),
        event,
    }
}

async fn resume(world: &World, by: &By, last: &str) -> BodyDataStream {
    let By::Browser(cookie) = by else {
        panic!("a browser")
    };
    let request = Request::get("/api/v1/events")
        .header("cookie", cookie)
        .header("last-event-id", last)
        .body(Body::empty())
        .unwrap();
    world.send(request).await.into_body().into_data_stream()
}

async fn next(events: &mut BodyDataStream) -> String {
    let bytes = events.next().await.unwrap().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
