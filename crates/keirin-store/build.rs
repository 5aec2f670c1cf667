//! Builds the crate again when a migration comes or changes: the compiler cannot see into the folder itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
