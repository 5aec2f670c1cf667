//! The command line goes by the proxy that its environment names, and to its own machine directly.

use serde_json::Value;

use crate::whole_program::server::Server;
use crate::whole_program::world::{World, keirin};

#[test]
fn the_environment_names_the_proxy_for_every_server_but_those_of_this_machine() {
    let world = World::new();
    let server = Server::spawn(&world, "127.0.0.1:0");
    let url = server.ready();
    let local: Value =
        serde_json::from_slice(&std::fs::read(world.data().join("local.json")).unwrap()).unwrap();
    let list = |address: &str, proxy: &str| {
        keirin()
            .args(["project", "list", "--json"])
            .env("KEIRIN_URL", address)
            .env("KEIRIN_TOKEN", local["token"].as_str().unwrap())
            .env("http_proxy", proxy)
            .current_dir(world.path())
            .output()
            .unwrap()
    };
    // A server answers whoever asks it for a whole address, so it can stand for the proxy before itself.
    let proxied = list("http://keirin.invalid", url.as_str());
    assert!(proxied.status.success(), "{proxied:?}");
    let nobody = "http://127.0.0.1:1";
    let direct = list(url.as_str(), nobody);
    assert!(direct.status.success(), "{direct:?}");
    assert_eq!(direct.stdout, proxied.stdout);
    let lost = list("http://keirin.invalid", nobody);
    assert!(!lost.status.success());
    assert!(
        String::from_utf8_lossy(&lost.stderr).contains("http://keirin.invalid cannot be reached"),
        "{lost:?}"
    );
}
