"""Makes bad changes to resources of its own, as any program with boto3 would.

It reads a line for each thing to do, and answers each with a line of JSON:

    FUNCTION                what is to become of the bad change: {"event": …, "good": …}
    FUNCTION NAME prepare   makes a good state whose events Ebb must handle before the bad change:
                            {"name": …} to go on with, or {} where there is no need
    FUNCTION NAME change    makes the bad change, and before it the good state where prepare made none:
                            {"name": …}, by which the resource goes
    FUNCTION NAME state     what is there now: {"state": …}

What goes wrong is {"error": …}. Endpoint, region and credentials are in the
environment. changes/ has a file for each function, with

    EVENT         the name of the event that tells of the bad change
    GOOD          the state once it is taken back
    prepare(name) gives the name to go on with; where Ebb must know the good state, or where the events
                  of making it would start the function too
    change(name)  gives the name that the resource goes by
    state(name)   gives its state, in what JSON can hold
"""
import importlib
import json
import sys
import traceback


def answer(function, name=None, what=None):
    changes = importlib.import_module("changes." + function.replace("-", "_"))
    if name is None:
        return {"event": changes.EVENT, "good": changes.GOOD}
    if what == "prepare":
        return {"name": changes.prepare(name)} if hasattr(changes, "prepare") else {}
    return {"name": changes.change(name)} if what == "change" else {"state": changes.state(name)}


for line in sys.stdin:
    try:
        out = answer(*line.split())
    except Exception:  # whatever a change raises is the test's to show
        out = {"error": traceback.format_exc()}
    print(json.dumps(out), flush=True)
