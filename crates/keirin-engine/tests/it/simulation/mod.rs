//! The engine in a world that goes wrong in every way it can, on one fake clock, from one seed.
//!
//! `SEED=7 cargo test -p keirin-engine --test it simulation -- --nocapture` replays one seed and prints what happens;
//! `SEEDS=100000` tries more of them.

mod agents;
mod invariants;
mod plans;
mod schedules;
mod world;

use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn every_seed_keeps_the_promises() {
    if let Some(seed) = number("SEED") {
        let mut world = World::new(seed, true);
        world.live(400);
        println!("seed {seed}: {}", world.summary());
        return;
    }
    let seeds = number("SEEDS").unwrap_or(1000);
    let first = number("FIRST_SEED").unwrap_or(0);
    let mut finished = 0;
    for seed in first..first + seeds {
        let lived = std::panic::catch_unwind(|| {
            let mut world = World::new(seed, false);
            world.live(400);
            world.finished_flows()
        });
        match lived {
            Ok(flows) => finished += flows,
            Err(_) => panic!("seed {seed} broke a promise; replay it with SEED={seed}"),
        }
    }
    println!("{seeds} seeds, {finished} flows finished");
    assert!(
        finished > seeds as usize,
        "a simulation in which hardly anything finishes proves nothing"
    );
}
