//! Makes a page of HTML of an OpenAPI document: no scripts, and nothing from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// The methods in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page; `{base}` stands for the sub-path that the server lies under.
pub(super) fn page(document: &Value) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Keirin: HTTP API</title>\
         <link rel=\"stylesheet\" href=\"{base}/api/docs/style.css\"></head><body><h1>HTTP API</h1>",
    );
    add(&mut html, "<p>", text(&document["info"]["description"]), "</p>");
    html.push_str("<p><a href=\"{base}/api/v1/openapi.json\">The same as an OpenAPI document</a></p>");
    let by_tag = by_tag(document);
    html.push_str("<nav>");
    for tag in by_tag.keys() {
        let _ = write!(html, "<a href=\"#{}\">{}</a>", anchor(tag), escape(tag));
    }
    html.push_str("</nav>");
    for (tag, operations) in &by_tag {
        let _ = write!(html, "<h2 id=\"{}\">{}</h2>", anchor(tag), escape(tag));
        for operation in operations {
            add_operation(&mut html, operation);
        }
    }
    html.push_str("<h2 id=\"schemas\">What goes to and fro</h2>");
    if let Some(schemas) = document["components"]["schemas"].as_object() {
        for (name, schema) in schemas {
            add_schema(&mut html, name, schema);
        }
    }
    html.push_str("</body></html>\n");
    html
}

struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    value: &'a Value,
}

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(value) = item.get(method) {
                let tag = value["tags"][0].as_str().unwrap_or("other");
                let operation = Operation { method, path, value };
                tags.entry(tag).or_default().push(operation);
            }
        }
    }
    tags
}

fn add_operation(html: &mut String, operation: &Operation<'_>) {
    let _ = write!(
        html,
        "<details><summary><span class=\"method\">{}</span><code>{}</code> <span class=\"soft\">{}</span></summary>",
        operation.method.to_uppercase(),
        escape(operation.path),
        escape(text(&operation.value["summary"])),
    );
    add(html, "<p>", text(&operation.value["description"]), "</p>");
    let parameters = operation.value["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>");
        for parameter in parameters {
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                escape(text(&parameter["in"])),
                escape(text(&parameter["description"])),
            );
        }
        html.push_str("</table>");
    }
    for content in operation.value["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let _ = write!(html, "<p>Takes {}.</p>", shape(&content.1["schema"]));
    }
    for (status, answer) in operation.value["responses"].as_object().into_iter().flatten() {
        let shapes: Vec<String> = answer["content"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, content)| shape(&content["schema"]))
            .collect();
        let given = if shapes.is_empty() {
            "nothing".to_owned()
        } else {
            shapes.join(", ")
        };
        let status = if status == "default" { "an error" } else { status };
        let _ = write!(html, "<p>Answers {} with {given}.</p>", escape(status));
    }
    html.push_str("</details>");
}

fn add_schema(html: &mut String, name: &str, schema: &Value) {
    let pretty = serde_json::to_string_pretty(schema).unwrap_or_default();
    let _ = write!(
        html,
        "<details id=\"schema-{0}\"><summary><code>{0}</code> <span class=\"soft\">{1}</span></summary><pre>{2}</pre></details>",
        escape(name),
        escape(text(&schema["description"])),
        escape(&pretty),
    );
}

/// What a schema is called, with a link to it.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\"><code>{0}</code></a>", escape(name));
    }
    if schema["items"].is_object() {
        return format!("a list of {}", shape(&schema["items"]));
    }
    format!(
        "<code>{}</code>",
        escape(schema["type"].as_str().unwrap_or("JSON"))
    )
}

fn add(html: &mut String, before: &str, text: &str, after: &str) {
    if !text.is_empty() {
        html.push_str(before);
        html.push_str(&escape(text));
        html.push_str(after);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn anchor(tag: &str) -> String {
    tag.replace(' ', "-")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
