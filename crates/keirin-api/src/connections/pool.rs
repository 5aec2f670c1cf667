//! Who may have a connection: so many in all and from one address, and when there is no room the longest idle one gives way.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};

/// How much of an IPv6 address one customer has: the rest is theirs to choose.
const IPV6_PREFIX_BITS: u32 = 64;

/// What counts as one address: all of an IPv4 address, the network part of an IPv6 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AddressPrefix(IpAddr);

impl AddressPrefix {
    /// The prefix of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << (128 - IPV6_PREFIX_BITS));
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
        }
    }
}

impl std::fmt::Display for AddressPrefix {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(formatter),
            IpAddr::V6(address) => write!(formatter, "{address}/{IPV6_PREFIX_BITS}"),
        }
    }
}

/// Names a connection of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(u64);

/// The open connections of one kind. `H` is what ends a connection when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPool<H> {
    most: usize,
    most_per_address: usize,
    /// Counts what happens, so that what happened earlier can be told from what happened later.
    ticks: u64,
    open: HashMap<ConnectionId, Entry<H>>,
    idle: IdleOrder,
    addresses: HashMap<AddressPrefix, Address>,
}

/// Idle connections by when they became so.
type IdleOrder = BTreeMap<u64, ConnectionId>;

#[derive(Debug)]
struct Entry<H> {
    /// `None` where the address stands for many people.
    address: Option<AddressPrefix>,
    idle_since: Option<u64>,
    /// Dropping it ends the connection.
    _handle: H,
}

#[derive(Debug, Default)]
struct Address {
    open: usize,
    idle: IdleOrder,
}

impl<H> ConnectionPool<H> {
    /// A pool of this many connections, and this many from one address.
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            most,
            most_per_address,
            ticks: 0,
            open: HashMap::new(),
            idle: BTreeMap::new(),
            addresses: HashMap::new(),
        }
    }

    /// Takes in a connection, which is idle at first. Where there is no room for it, the connection that has been idle the
    /// longest gives way: of its own address where that has its share, else of all. `None` where none is idle.
    pub(super) fn admit(&mut self, address: Option<AddressPrefix>, handle: H) -> Option<ConnectionId> {
        let share_is_used = address
            .and_then(|address| self.addresses.get(&address))
            .is_some_and(|address| address.open >= self.most_per_address);
        if share_is_used {
            let own = address.and_then(|address| self.addresses.get(&address));
            let gives_way = own.and_then(|own| own.idle.values().next().copied())?;
            self.remove(gives_way);
        } else if self.open.len() >= self.most {
            let gives_way = self.idle.values().next().copied()?;
            self.remove(gives_way);
        }
        self.ticks += 1;
        let id = ConnectionId(self.ticks);
        let entry = Entry {
            address,
            idle_since: None,
            _handle: handle,
        };
        self.open.insert(id, entry);
        if let Some(address) = address {
            self.addresses.entry(address).or_default().open += 1;
        }
        self.set_idle(id);
        Some(id)
    }

    /// The server works for this connection.
    pub(super) fn set_busy(&mut self, id: ConnectionId) {
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        let Some(since) = entry.idle_since.take() else {
            return;
        };
        self.idle.remove(&since);
        if let Some(address) = entry.address.and_then(|address| self.addresses.get_mut(&address)) {
            address.idle.remove(&since);
        }
    }

    /// The server waits for this connection's client from now on.
    pub(super) fn set_idle(&mut self, id: ConnectionId) {
        self.set_busy(id);
        let Some(entry) = self.open.get_mut(&id) else {
            return;
        };
        self.ticks += 1;
        entry.idle_since = Some(self.ticks);
        self.idle.insert(self.ticks, id);
        if let Some(address) = entry.address.and_then(|address| self.addresses.get_mut(&address)) {
            address.idle.insert(self.ticks, id);
        }
    }

    /// The connection has ended, or is to end.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.set_busy(id);
        let Some(entry) = self.open.remove(&id) else {
            return;
        };
        let Some(address) = entry.address else { return };
        if let Some(known) = self.addresses.get_mut(&address) {
            known.open -= 1;
            if known.open == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Makes room for one more by ending the connection that has been idle the longest.
    pub(super) fn evict_idle(&mut self) {
        if let Some(gives_way) = self.idle.values().next().copied() {
            self.remove(gives_way);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn address(last: u8) -> Option<AddressPrefix> {
        Some(AddressPrefix::of(IpAddr::from([192, 0, 2, last])))
    }

    /// A connection, and what tells whether it is still open.
    fn connect(pool: &mut ConnectionPool<Rc<()>>, from: u8) -> (Option<ConnectionId>, Rc<()>) {
        let handle = Rc::new(());
        (pool.admit(address(from), Rc::clone(&handle)), handle)
    }

    fn is_open(handle: &Rc<()>) -> bool {
        Rc::strong_count(handle) > 1
    }

    #[test]
    fn the_longest_idle_connection_gives_way() {
        let mut pool = ConnectionPool::new(2, 2);
        let (first_id, first) = connect(&mut pool, 1);
        let (_, second) = connect(&mut pool, 2);
        // The first has been used since the second came.
        pool.set_busy(first_id.unwrap());
        pool.set_idle(first_id.unwrap());
        let (third_id, third) = connect(&mut pool, 3);
        assert!(third_id.is_some());
        assert!(is_open(&first) && !is_open(&second) && is_open(&third));
    }

    #[test]
    fn one_address_takes_room_from_itself_alone() {
        let mut pool = ConnectionPool::new(10, 2);
        let (_, other) = connect(&mut pool, 9);
        let own: Vec<_> = (0..50).map(|_| connect(&mut pool, 1).1).collect();
        assert!(is_open(&other));
        assert_eq!(own.iter().filter(|handle| is_open(handle)).count(), 2);
        assert!(is_open(&own[48]) && is_open(&own[49]));
    }

    #[test]
    fn a_connection_that_the_server_works_for_never_gives_way() {
        let mut pool = ConnectionPool::new(3, 2);
        for from in [1, 1, 2] {
            let (id, handle) = connect(&mut pool, from);
            pool.set_busy(id.unwrap());
            assert!(is_open(&handle));
        }
        assert_eq!(connect(&mut pool, 1).0, None, "its address has its share");
        assert_eq!(connect(&mut pool, 3).0, None, "there is no room");
        assert_eq!(pool.open.len(), 3);
    }

    #[test]
    fn what_ends_leaves_nothing_behind() {
        let mut pool = ConnectionPool::new(3, 2);
        let ids: Vec<_> = (0..3).map(|from| connect(&mut pool, from).0.unwrap()).collect();
        pool.set_busy(ids[0]);
        for id in ids {
            pool.remove(id);
            pool.set_idle(id);
        }
        assert!(pool.open.is_empty() && pool.idle.is_empty() && pool.addresses.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let of = |text: &str| AddressPrefix::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }
}
