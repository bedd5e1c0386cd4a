"""How a scenario is told: stage after stage; the checks of one stage run at the same time, and each counts as a test.

A scenario's STORY is a list of stages, a stage is a list of functions of one argument (the cluster). A check fails by
raising. Where a check marked @needed fails, what comes after it is not reached and fails with that reason; FINALLY,
one more stage, is run in any case.
"""

import concurrent.futures
import time
import traceback
import typing

from shell import Failed

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Result(typing.NamedTuple):
    check: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0


def needed(check):
    check.needed = True
    return check


def name_of(check):
    return check.__name__.replace("_", "-")


def tell(scenario, cluster, report):
    """Calls report(Result) for every check of the scenario as it ends."""
    obstacle = None
    for stage in scenario.STORY:
        if obstacle:
            for check in stage:
                report(Result(name_of(check), FAILED, f"not reached: {obstacle} failed"))
            continue
        obstacle = run_stage(stage, cluster, report)
    run_stage(scenario.FINALLY, cluster, report)


def run_stage(stage, cluster, report):
    """Returns the name of a needed check that failed, if any."""
    obstacle = None
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(stage))) as pool:
        running = {pool.submit(run_check, check, cluster): check for check in stage}
        for done in concurrent.futures.as_completed(running):
            report(done.result())
            if done.result().outcome == FAILED and getattr(running[done], "needed", False):
                obstacle = done.result().check
    return obstacle


def run_check(check, cluster):
    began = time.monotonic()
    try:
        check(cluster)
        outcome, reason = PASSED, ""
    except Failed as failure:
        outcome, reason = FAILED, str(failure)
    except Exception:  # a mistake in the check itself is a failure like any other
        outcome, reason = FAILED, traceback.format_exc()
    return Result(name_of(check), outcome, reason, time.monotonic() - began)


def skip_all(scenario, reason, report):
    for stage in (*scenario.STORY, scenario.FINALLY):
        for check in stage:
            report(Result(name_of(check), SKIPPED, reason))
