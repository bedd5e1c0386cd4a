"""From single runs to medians, ratios and tables."""

import statistics

FIGURES = ("rps", "p50", "p99", "cpu_us", "added_p50", "added_p99", "megabytes_per_second", "resident_mb", "idle_mb",
           "errors")
RATIOS = ("rps", "cpu_us", "p50", "p99", "resident_mb")
AGAINST = ("envoy", "nginx")


def summary(runs):
    """Medians of the figures of single runs; errors are added up. A run that failed is {"failed": why}."""
    good = [run for run in runs if "failed" not in run]
    if not good:
        return {"failed": runs[-1]["failed"] if runs else "never ran"}
    result = {key: statistics.median(run[key] for run in good)
              for key in FIGURES if key != "errors" and all(run.get(key) is not None for run in good)}
    result["errors"] = sum(run["errors"] for run in good)
    result["failed_runs"] = len(runs) - len(good)
    return result


def add_what_the_pair_adds(runs_of_peers):
    """Latency beyond that of no proxy in the same round, and so under the same weather."""
    for runs in runs_of_peers.values():
        for run, direct in zip(runs, runs_of_peers.get("direct", [])):
            if "failed" not in run and "failed" not in direct:
                run["added_p50"] = run["p50"] - direct["p50"]
                run["added_p99"] = run["p99"] - direct["p99"]


def ratios(peers):
    """{peer: {other: {figure: peer's / other's}}} for the others of AGAINST."""
    result = {}
    for name, own in peers.items():
        result[name] = {
            other: {key: own[key] / peers[other][key] for key in RATIOS if own.get(key) and peers[other].get(key)}
            for other in AGAINST if other in peers and "failed" not in own and "failed" not in peers[other]}
    return result


def digest(runs):
    """{case: {peer: [run]}} -> {case: {peer: summary with "ratios" and "runs"}}"""
    result = {}
    for case, runs_of_peers in runs.items():
        add_what_the_pair_adds(runs_of_peers)
        peers = {name: summary(of_peer) for name, of_peer in runs_of_peers.items()}
        for name, against in ratios(peers).items():
            peers[name]["ratios"] = against
            peers[name]["runs"] = runs_of_peers[name]
        result[case] = peers
    return result


COLUMNS = [  # heading, key, format, and whether ratios stand behind it
    ("req/s", "rps", "{:,.0f}", True),
    ("p50 us", "p50", "{:,.0f}", False),
    ("p99 us", "p99", "{:,.0f}", False),
    ("added p50", "added_p50", "{:+,.0f}", False),
    ("added p99", "added_p99", "{:+,.0f}", False),
    ("CPU us/req", "cpu_us", "{:,.1f}", True),
    ("MB/s", "megabytes_per_second", "{:,.0f}", False),
    ("idle MB", "idle_mb", "{:,.1f}", False),
    ("MB after", "resident_mb", "{:,.1f}", False),
    ("errors", "errors", "{:,.0f}", False),
]
HEADINGS = ["", *(heading for heading, *_ in COLUMNS)]


def cell(peer, key, shape, with_ratios):
    if peer.get(key) is None:
        return ""
    shown = shape.format(peer[key])
    if with_ratios:
        against = [f"{of[key]:.2f}" for of in peer.get("ratios", {}).values() if key in of]
        shown += f" ({'/'.join(against)})" if against else ""
    return shown


def rows(peers):
    for name, peer in peers.items():
        if "failed" in peer:
            yield [name, "failed: " + " ".join(peer["failed"].split())[:120]]
        else:
            yield [name, *(cell(peer, key, shape, with_ratios) for _, key, shape, with_ratios in COLUMNS)]


def terminal(results, titles):
    lines = []
    for case, peers in results.items():
        table = [HEADINGS, *rows(peers)]
        widths = [max((len(row[i]) for row in table if i < len(row) and len(row) > 2), default=0)
                  for i in range(len(HEADINGS))]
        lines.append(f"{case}: {titles.get(case, '')}")
        lines += ["  " + "  ".join(text.rjust(width) if i else text.ljust(max(width, 8))
                                   for i, (text, width) in enumerate(zip(row, widths))) for row in table]
        lines.append("")
    return "\n".join(lines) + f"In brackets: relative to {' and '.join(AGAINST)} of the same run.\n"


def markdown(results, titles):
    lines = []
    for case, peers in results.items():
        lines += [f"### {case}", "", titles.get(case, "") + ".", "",
                  "| " + " | ".join(HEADINGS) + " |", "|---" + "|---:" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(row + [""] * (len(HEADINGS) - len(row))) + " |" for row in rows(peers)]
        lines.append("")
    return "\n".join(lines)
