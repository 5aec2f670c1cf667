# What one does with this checkout. Each target is a script in scripts/, whose head says why it works as it does.

.DEFAULT_GOAL := help
.PHONY: help run build test test-platforms check bench sim fuzz fmt queries clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: ## Build what has changed and start Keirin [REPO=path] [LISTEN=127.0.0.1:8460] [DATA_DIR=.keirin-data]
	@exec scripts/run.sh

build: ## Build target/release/keirin, complete with the web page
	@scripts/build.sh

test: ## Run every test that needs only PostgreSQL and a browser
	@scripts/test.sh

test-platforms: ## Run the tests that need other servers, all of them; one alone: make test-platforms-ceph
	@scripts/test-platforms.sh

test-platforms-%:
	@scripts/test-platforms.sh $*

check: ## Check formatting, lints, licences and the web page's types
	@scripts/check.sh

bench: ## Measure, print each figure beside its goal, write target/bench.json [BENCH=crate]
	@scripts/bench.sh

sim: ## Simulate agents, faults and crashes [SEEDS=10000]; replay one with SEED=7
	@scripts/sim.sh

fuzz: ## Feed random input to the parsers [SECONDS_EACH=60]
	@scripts/fuzz.sh

fmt: ## Format the Rust code and the web page
	@cargo fmt --all
	@npm run --prefix ui --if-present format

queries: ## Describe the SQL queries anew, after a change to one or to a migration
	@scripts/prepare-queries.sh

clean: ## Remove what was built and fetched; data folders stay
	@rm -rf target .cache ui/dist ui/node_modules
