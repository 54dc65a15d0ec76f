#!/usr/bin/env bash
# The one command before a commit: fails on any finding, and when a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export DAGSTER_HOME="$PWD/var/dagster" VIRTUAL_ENV="$PWD/.venv" PATH="$PWD/.venv/bin:$PATH"

step() {
    local name=$1 start=$SECONDS
    shift
    echo "check: $name"
    command -v "$1" >/dev/null || { echo "check: $1 is missing: run make setup (promtool, amtool: apt-get install prometheus prometheus-alertmanager)" >&2; exit 2; }
    "$@" || { echo "check: $name failed" >&2; exit 1; }
    echo "check: $name ok ($((SECONDS - start)) s)"
}

step format ruff format --check --quiet .
step lint ruff check --quiet .
step types mypy
step imports lint-imports --no-cache
step spelling codespell mm_ops mm_ops_tests deploy README.md CHANGELOG.md
step definitions dg check defs --use-active-venv
step renderings mm-ops render --check
step rules promtool check rules --lint-fatal deploy/prometheus/alerts_soak.yml
step "Prometheus' configuration" promtool check config deploy/prometheus/prometheus.yml
step "Alertmanager's configuration" amtool check-config deploy/alertmanager/alertmanager.yml
step workflows check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
step "workflows' set-up" check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
step "the compose file" check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
step "Kubernetes' manifests" kubernetes-validate --strict --quiet --no-warn deploy/kubernetes/watcher.yaml
step "third-party notices" python deploy/notices.py --check
step Dockerfile hadolint deploy/compose/Dockerfile
if [ "${1:-}" != "--no-tests" ]; then
    step tests pytest -q --cov --cov-report=term:skip-covered
    step "branch coverage of the domain" coverage report --include='mm_ops/domain/*' --fail-under=100
fi
echo "check: all ok"
