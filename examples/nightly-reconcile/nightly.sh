#!/bin/sh
# Make the shop agree with tonight's export, and say in one line how it went. The exit status is rowpatch's.
# Usage: nightly.sh EXPORT.ndjson        RUNS (default: runs) is where the runs are kept.
set -u
export_file=$1
mkdir -p "${RUNS:-runs}"
run="${RUNS:-runs}/nightly-$(date -u +%Y%m%dT%H%M%SZ)-$$"
status=0
rowpatch apply "$export_file" --run-dir "$run" --yes --no-progress --log-format json --stop-after 5% >"$run.txt" 2>"$run.log" || status=$?
counts=$(head -n 1 "$run.txt")
case $status in
    0) echo "nightly-reconcile: ok: $counts" ;;
    1) echo "nightly-reconcile: needs attention: $counts See $run/results.csv" ;;
    3 | 130 | 143) echo "nightly-reconcile: stopped: $counts Go on with: rowpatch resume $run; then, if rows failed: rowpatch retry $run" ;;
    75) echo "nightly-reconcile: the last run is still going on" ;;
    *) echo "nightly-reconcile: refused: $(sed -n 's/^{"message": "\(.*\)", "event": "error".*/\1/p' "$run.log" | head -n 1)" ;;
esac
exit "$status"
