"""Makes a bad change to a resource of its own, as any program with boto3 would.

    change.py FUNCTION NAME         makes the good state, then the bad change
    change.py FUNCTION NAME state   prints what is there now
    change.py FUNCTION              prints what is to become of it

The first prints the name that the resource goes by. Endpoint, region and
credentials are in the environment. changes/ has a file for each function, with

    EVENT         the name of the event that tells of the bad change
    GOOD          the state once it is taken back
    change(name)  gives the name that the resource goes by
    state(name)   gives its state, in what JSON can hold
"""
import importlib
import json
import sys

changes = importlib.import_module("changes." + sys.argv[1].replace("-", "_"))
if len(sys.argv) == 2:
    print(json.dumps({"event": changes.EVENT, "good": changes.GOOD}))
elif len(sys.argv) == 3:
    print(changes.change(sys.argv[2]))
else:
    print(json.dumps({"state": changes.state(sys.argv[2])}))
