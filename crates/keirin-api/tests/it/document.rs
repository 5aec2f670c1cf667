//! The OpenAPI document in the repository is the one that the routes make.

use std::path::Path;

#[test]
fn the_document_in_the_repository_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = keirin_api::document_text().unwrap();
    #[expect(clippy::disallowed_methods, reason = "whoever runs the test says so by the environment")]
    let update = std::env::var("KEIRIN_UPDATE").is_ok();
    if update {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == made,
        "openapi.json is not what the routes make; run this test with KEIRIN_UPDATE=1 and look at what changed"
    );
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_tag_of_its_own() {
    let document = serde_json::to_value(keirin_api::document()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty(), "{method} {path} has no name");
            assert!(names.insert(name.to_owned()), "the name {name} is given twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
        }
    }
}
