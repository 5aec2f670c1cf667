//! How a name and a password become a token.

use axum::http::Method;
use axum::response::Response;
use keirin_wire::api::SignIn;

use crate::double::{Asked, Double, answer, json};

fn server(asked: &Asked) -> Response {
    match (&asked.method, asked.path.as_str()) {
        (&Method::POST, "/api/v1/sign-in") => Response::builder()
            .header("set-cookie", "keirin_session=abc; Path=/; HttpOnly")
            .body("{}".into())
            .unwrap(),
        (&Method::POST, "/api/v1/tokens") if asked.header("cookie") == Some("keirin_session=abc") => {
            json(r#"{"id": "5", "token": "krn_new", "expires_at": null}"#)
        }
        (&Method::POST, "/api/v1/sign-out") if asked.header("cookie") == Some("keirin_session=abc") => {
            answer(204, "text/plain", "")
        }
        _ => answer(500, "text/plain", "unexpected"),
    }
}

#[tokio::test]
async fn a_session_lasts_no_longer_than_it_takes_to_make_a_token() {
    let double = Double::start(server).await;
    let sign_in = SignIn {
        name: "ada".to_owned(),
        password: "correct horse".to_owned(),
    };
    let client = keirin_client::Client::new(double.connection(), None);
    let created = client.token_by_password(&sign_in, "command line").await.unwrap();
    assert_eq!(created.token, "krn_new");
    let paths: Vec<String> = double.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/api/v1/sign-in", "/api/v1/tokens", "/api/v1/sign-out"]);
}
