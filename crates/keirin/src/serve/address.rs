//! Where the server listens, and where others reach it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_store::Store;
use tokio::net::TcpListener;
use url::Url;

use crate::config::Config;
use crate::signals::Stop;

/// How often an address is tried again that the leading server still has.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// How often it is tried before whoever has the address is held for another program, where a server has led before: on a
/// machine that is very busy, a server can be late to renew its term.
const TRIES: u32 = 25;

/// Listens. Where another server leads on the same address, waits until that one is gone; `None` when the program is
/// asked to end meanwhile.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn listen(
    address: SocketAddr,
    store: &Store,
    output: &Output,
    stop: &mut Stop,
) -> anyhow::Result<Option<TcpListener>> {
    let mut told = false;
    let mut tries = 0;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(Some(listener)),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                tries += 1;
                match store.leader().await? {
                    Some(leader) if leader.in_term && !told => {
                        output.say(format!(
                            "{} leads on this address; this server stands by until it can take over.",
                            leader.holder
                        ));
                        told = true;
                    }
                    Some(_) if told || tries < TRIES => {
                        if tries == 1 {
                            output.say(format!("{address} is taken; waiting a few seconds for it."));
                        }
                    }
                    _ => {
                        return Err(error).with_context(|| {
                            format!(
                                "another program listens on {address}; choose another address with --listen"
                            )
                        });
                    }
                }
            }
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}")),
        }
        tokio::select! {
            () = tokio::time::sleep(TRY_AGAIN) => {}
            _ = stop.asked() => return Ok(None),
        }
    }
}

/// Where people reach the server.
///
/// # Errors
/// When the system does not tell the address.
pub(super) fn of(listener: &TcpListener, config: &Config) -> anyhow::Result<Url> {
    if let Some(external) = &config.external_url {
        return Ok(external.clone());
    }
    let address = reachable(listener.local_addr().context("cannot tell the address")?);
    Url::parse(&format!("http://{address}/")).context("cannot write the address as a URL")
}

/// Where programs on this machine reach the server.
pub(super) fn near(address: &Url, config: &Config) -> Url {
    if config.external_url.is_none() {
        return address.clone();
    }
    let own = format!("http://{}{}", reachable(config.listen), address.path());
    Url::parse(&own).unwrap_or_else(|_| address.clone())
}

/// An address that can be connected to: one that stands for all addresses cannot.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Says how to reach a server from the other end of an SSH connection.
pub(super) fn say_forwarding(address: &Url, output: &Output) {
    let Some(connection) = machine::variable("SSH_CONNECTION") else {
        return;
    };
    let host = connection.split(' ').nth(2).unwrap_or("HOST").to_owned();
    let port = address.port_or_known_default().unwrap_or(80);
    output.hint(format!(
        "From your own machine, forward the port first: ssh -N -L {port}:127.0.0.1:{port} {host}"
    ));
}
