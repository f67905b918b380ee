# Everything a developer or a lab's administrator does with this repository.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo audit test model kill lint fmt build docs chaos

help: ## Show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

demo: ## Play one day of a lab on this machine, then keep serving (DEMO="--exit" ends it; DEMO="--kafka HOST:PORT")
	@scripts/need build
	cargo build --locked --quiet -p tenfold
	cargo run --locked --quiet -p tenfold -- demo $(DEMO)

audit: ## Play one day of a lab into a folder of its own, and audit its log (AUDIT="--kafka HOST:PORT" audits one that is there)
	@scripts/need build
	cargo build --locked --quiet -p tenfold
	scripts/audit $(AUDIT)

test: ## Run every test: rules, lanes on both logs, services, whole days on the embedded log and on a real Kafka
	@scripts/need build test
	cargo build --locked --workspace --bins
	cargo test --locked --workspace

model: ## Check the lane protocol: every run to a stated bound, and every planted flaw (MODEL="--json", "--small", "--explore relaying")
	@scripts/need build
	cargo run --locked --quiet --release -p tenfold-model -- $(MODEL)

kill: ## Kill a process under load 100 times with -9; figures of starts (TENFOLD_KILLS=n for another number)
	@scripts/need build test
	cargo build --locked --workspace --bins
	TENFOLD_KILLS=$${TENFOLD_KILLS:-100} cargo test --locked -p tenfold-tests --test system -- --nocapture killed_again

.PHONY: sim planted
sim: ## Simulate the whole pipeline under faults: 10,000 seeds, optimised (SIM="--seeds 100" for fewer)
	@scripts/need build
	cargo run --locked --release --quiet -p sim -- $(or $(SIM),--seeds 10000)

planted: ## Plant every known bug in a copy of the tree, and see that the simulation finds it
	@scripts/need build
	cargo run --locked --release --quiet -p sim -- --planted

lint: ## Format, clippy, licences and bans, .proto files, shell scripts
	@scripts/need build lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	scripts/deny
	scripts/buf lint proto
	git ls-files -z | xargs -0 grep -lE '^#!.*\b(ba)?sh\b' -- | xargs -r shellcheck

chaos: ## Break a real Kafka and the services on it, one fault a round, under load (ROUNDS=100)
	@scripts/need build test
	cargo build --locked --workspace --bins
	target/debug/tenfold-chaos --rounds $(or $(ROUNDS),100) $(if $(SEED),--seed $(SEED))

.PHONY: soak
soak: ## Steady load on three brokers and six instances, what is final is filed: memory, disk, latency (MINUTES=60)
	@scripts/need build test
	cargo build --locked --release --workspace --bins
	target/release/tenfold-chaos --soak $(or $(MINUTES),60) --retention 8 --set cache.memory_mib_max=16

.PHONY: fuzz
fuzz: ## Feed every parser and every fold what nobody should send, guided by coverage: 60 seconds each (SECONDS=400)
	@scripts/need build
	scripts/fuzz all $(or $(SECONDS),60)

.PHONY: bench baseline
bench: ## Measure against yardsticks in the same run (NAME=pooling, NAME=pooling/copy, NAME=growth; BENCH="--quick", "--list", "--help")
	@scripts/need build bench
	cargo build --locked --release -p tenfold-bench -p tenfold -p tenfold-pooling
	target/release/tenfold-bench $(NAME) $(BENCH)

baseline: ## Count the instructions and allocations of the rules anew, after a change that must cost what it costs
	@scripts/need build test
	cargo build --locked --workspace --bins
	target/debug/tenfold-gate --baseline
	WRITE_BASELINE=1 cargo test --locked -p tenfold-bench --test allocations

fmt: ## Format the code
	cargo fmt --all

build: ## Build the programs, optimised, into target/release
	@scripts/need build
	cargo build --locked --release --workspace --bins

docs: ## Write the pages that are made from code
	scripts/docs
