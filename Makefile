# The commands that people and CI use. Each installs what it needs and is missing, and says nothing otherwise.
.DEFAULT_GOAL := help
.PHONY: help demo test kills fuzz lint build references screenshots dist tools clean

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: ## Run the whole system with a crowd; then open the printed address (Ctrl-C stops it)
	@.ci/tools build
	@cargo build --quiet -p proxy -p origin-app -p loadtest
	@exec "$${CARGO_TARGET_DIR:-target}/debug/loadtest" demo

test: ## Run every test: unit, property, conformance, end to end, browser
	@.ci/tools build test infra
	@.ci/terraform
	@.ci/deploy
	@.ci/images
	@.ci/diagrams
	@cargo nextest run --workspace
	@.ci/configurations
	@.ci/references
	@.ci/self-test
	@.ci/commands --self-test
	@.ci/commands

kills: ## Kill shop, database, Redis and payment provider under load, KILLS (200) times each, and audit the books
	@.ci/tools build test
	@STANCHION_KILLS="$${KILLS:-200}" cargo test --quiet -p origin-app --test it -- kills:: --nocapture --test-threads 1

fuzz: ## Attack all that fans carry and all that is read of a request, FUZZ_SECONDS (30) each
	@.ci/tools build fuzz
	@.ci/fuzz

lint: ## Check format, lints, docs, dependencies and the house rules
	@.ci/tools build lint
	@.ci/lint

references: ## Write anew what is made from the code: docs/configuration.md, commands.md, metrics.md, api.md
	@.ci/tools build
	@cargo build --quiet -p proxy -p origin-app -p loadtest
	@.ci/references --write

screenshots: ## Take the pictures of every page in docs/screenshots anew
	@.ci/tools build test
	@STANCHION_SCREENSHOTS="$(CURDIR)/docs/screenshots" cargo nextest run -p proxy -p origin-app --test browser --run-ignored all
	@STANCHION_SCREENSHOTS="$(CURDIR)/docs/screenshots" cargo nextest run -p loadtest -E 'test(picture_of_a_run)' --run-ignored all

build: ## Build release binaries into target/release
	@.ci/tools build
	@cargo build --release --workspace

dist: ## Build stripped binaries, a bill of materials of each and checksums into target/dist
	@.ci/tools build dist
	@.ci/dist

tools: ## Install everything that building, testing and linting need
	@.ci/tools build test infra lint

clean: ## Remove everything that was built
	@cargo clean
