//! What is known about build files: one rule for each kind, from the files to the jobs that they call for.

use serde_json::Value;

use crate::propose::{ProposedJob, RepositoryListing};

/// What a rule found.
pub(crate) struct Found {
    pub(crate) because: &'static str,
    pub(crate) jobs: Vec<ProposedJob>,
}

type Rule = fn(&RepositoryListing) -> Option<Found>;

/// In the order in which their jobs stand in the file.
pub(crate) const RULES: &[Rule] = &[rust, node, python, go, maven, gradle, ruby, php, cmake, make];

fn found(because: &'static str, jobs: Vec<ProposedJob>) -> Option<Found> {
    (!jobs.is_empty()).then_some(Found { because, jobs })
}

fn rust(listing: &RepositoryListing) -> Option<Found> {
    listing.has("Cargo.toml").then_some(())?;
    let locked = if listing.has("Cargo.lock") {
        " --locked"
    } else {
        ""
    };
    let workspace = if listing.text("Cargo.toml").contains("[workspace]") {
        " --workspace"
    } else {
        ""
    };
    let test = format!("cargo test{workspace}{locked}");
    let lint = format!("cargo clippy{workspace}{locked} --all-targets");
    found(
        "Cargo.toml",
        vec![
            ProposedJob::new(
                "lint",
                "Formatting and lints.",
                &["cargo fmt --all --check", &lint],
            ),
            ProposedJob::new("test", "Builds and tests the code.", &[&test]),
        ],
    )
}

fn node(listing: &RepositoryListing) -> Option<Found> {
    listing.has("package.json").then_some(())?;
    // A file that cannot be read says nothing about scripts, and the job to fill in says so.
    let package: Value = serde_json::from_str(listing.text("package.json")).unwrap_or_default();
    let (install, run) = if listing.has("pnpm-lock.yaml") {
        ("pnpm install --frozen-lockfile", "pnpm run")
    } else if listing.has("yarn.lock") {
        ("yarn install --frozen-lockfile", "yarn run")
    } else if listing.has("package-lock.json") || listing.has("npm-shrinkwrap.json") {
        ("npm ci", "npm run")
    } else {
        ("npm install", "npm run")
    };
    let scripts = ["lint", "typecheck", "build", "test"];
    let known = scripts
        .iter()
        .filter(|script| package["scripts"][**script].is_string());
    let mut commands = vec![install.to_owned()];
    commands.extend(known.map(|script| format!("{run} {script}")));
    let comment = match commands.len() {
        1 => "Installs what is needed; add the commands that test it.",
        _ => "Installs what is needed and runs the scripts of package.json.",
    };
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    found("package.json", vec![ProposedJob::new("node", comment, &commands)])
}

fn python(listing: &RepositoryListing) -> Option<Found> {
    let files = ["pyproject.toml", "setup.py", "tox.ini", "requirements.txt"];
    let file = files.into_iter().find(|file| listing.has(file))?;
    let virtual_environment = "python3 -m venv .venv";
    let install = match file {
        "requirements.txt" => ".venv/bin/pip install -r requirements.txt pytest",
        "tox.ini" => ".venv/bin/pip install tox",
        _ => ".venv/bin/pip install . pytest",
    };
    let test = if file == "tox.ini" {
        ".venv/bin/tox"
    } else {
        ".venv/bin/pytest --junitxml=reports/junit.xml"
    };
    let job = ProposedJob::new(
        "python",
        "Tests in a fresh virtual environment.",
        &[virtual_environment, install, test],
    );
    found(
        file,
        vec![if file == "tox.ini" {
            job
        } else {
            job.reports("reports/junit.xml")
        }],
    )
}

fn go(listing: &RepositoryListing) -> Option<Found> {
    listing.has("go.mod").then_some(())?;
    found(
        "go.mod",
        vec![ProposedJob::new(
            "go",
            "Builds, vets and tests all packages.",
            &["go build ./...", "go vet ./...", "go test ./..."],
        )],
    )
}

fn maven(listing: &RepositoryListing) -> Option<Found> {
    listing.has("pom.xml").then_some(())?;
    let program = if listing.has("mvnw") { "./mvnw" } else { "mvn" };
    let job = ProposedJob::new(
        "maven",
        "Builds and tests.",
        &[&format!("{program} --batch-mode verify")],
    );
    found("pom.xml", vec![job.reports("**/target/surefire-reports/*.xml")])
}

fn gradle(listing: &RepositoryListing) -> Option<Found> {
    let file = ["build.gradle", "build.gradle.kts"]
        .into_iter()
        .find(|file| listing.has(file))?;
    let program = if listing.has("gradlew") {
        "./gradlew"
    } else {
        "gradle"
    };
    let job = ProposedJob::new("gradle", "Builds and tests.", &[&format!("{program} build")]);
    found(file, vec![job.reports("**/build/test-results/**/*.xml")])
}

fn ruby(listing: &RepositoryListing) -> Option<Found> {
    listing.has("Gemfile").then_some(())?;
    let uses_rspec = listing.text("Gemfile").contains("rspec") || listing.has(".rspec");
    let test = if uses_rspec {
        "bundle exec rspec"
    } else {
        "bundle exec rake"
    };
    found(
        "Gemfile",
        vec![ProposedJob::new(
            "ruby",
            "Installs the gems and tests.",
            &["bundle install", test],
        )],
    )
}

fn php(listing: &RepositoryListing) -> Option<Found> {
    listing.has("composer.json").then_some(())?;
    let composer: Value = serde_json::from_str(listing.text("composer.json")).unwrap_or_default();
    let install = "composer install --no-interaction";
    let test = if composer["scripts"]["test"].is_null() {
        "vendor/bin/phpunit"
    } else {
        "composer test"
    };
    found(
        "composer.json",
        vec![ProposedJob::new(
            "php",
            "Installs the packages and tests.",
            &[install, test],
        )],
    )
}

fn cmake(listing: &RepositoryListing) -> Option<Found> {
    listing.has("CMakeLists.txt").then_some(())?;
    let job = ProposedJob::new(
        "cmake",
        "Builds out of the source folder and tests.",
        &[
            "cmake -S . -B build",
            "cmake --build build --parallel",
            "ctest --test-dir build --output-on-failure --output-junit junit.xml",
        ],
    );
    found("CMakeLists.txt", vec![job.reports("build/junit.xml")])
}

/// A Makefile counts where nothing else does, or where it has a target for checks.
fn make(listing: &RepositoryListing) -> Option<Found> {
    listing.has("Makefile").then_some(())?;
    let text = listing.text("Makefile");
    let has_target = |target: &str| {
        text.lines().any(|line| {
            line.strip_prefix(target)
                .is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let targets: Vec<String> = ["check", "test"]
        .into_iter()
        .filter(|target| has_target(target))
        .map(|target| format!("make {target}"))
        .collect();
    let others = RULES
        .iter()
        .take(RULES.len() - 1)
        .any(|rule| rule(listing).is_some());
    let commands: Vec<&str> = match (targets.as_slice(), others) {
        ([], true) => return None,
        ([], false) => vec!["make"],
        (targets, _) => targets.iter().map(String::as_str).collect(),
    };
    found(
        "Makefile",
        vec![ProposedJob::new(
            "make",
            "What the Makefile calls a check.",
            &commands,
        )],
    )
}
