"""Prints each call that the rules take for a read-only one when its record does
not, or the other way round.

    reads.py LAYER SAMPLES
"""
import json
import sys

sys.path.insert(0, sys.argv[1])
import rules  # noqa: E402

with open(sys.argv[2], encoding="utf-8") as f:
    for line in f:
        record = json.loads(line)["record"]
        service = record["eventSource"].split(".")[0]
        if "readOnly" in record and record["readOnly"] != rules.reads(service, record["eventName"]):
            print(service, record["eventName"], record["readOnly"])
