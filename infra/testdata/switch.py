"""Runs the kill switch's script against the emulator's rules.

Standard input: {"script": the script, "state": "off" or "on"}. Standard output:
the state of each rule afterwards, and what was asked of Lambda, which is a fake:
the emulator's wants Docker.
"""

import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402


class Functions:
    def __init__(self):
        self.calls = []

    def put_function_concurrency(self, FunctionName, ReservedConcurrentExecutions):
        self.calls.append(f"{FunctionName.split(':')[-1]} {ReservedConcurrentExecutions}")

    def delete_function_concurrency(self, FunctionName):
        self.calls.append(f"{FunctionName.split(':')[-1]} free")


given = json.load(sys.stdin)
with mock_aws():
    events, functions = boto3.client("events"), Functions()
    events.create_event_bus(Name="ebb")
    for bus, rule in (("default", "ebb_one"), ("ebb", "ebb_two"), ("default", "ebb-dev_one"), ("default", "theirs")):
        state = "ENABLED" if given["state"] == "off" else "DISABLED"
        events.put_rule(Name=rule, EventBusName=bus, EventPattern='{"source": ["s"]}', State=state)
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{rule}"
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "t", "Arn": arn}])
    real, scope = boto3.client, {}
    boto3.client = lambda name: functions if name == "lambda" else real(name)
    exec(given["script"], scope)
    error = ""
    try:
        scope["switch"]({"State": given["state"], "Stack": given["stack"]}, {})
    except RuntimeError as e:
        error = str(e)
    rules = {
        r["Name"]: r["State"] for bus in ("default", "ebb") for r in events.list_rules(EventBusName=bus)["Rules"]
    }
json.dump({"rules": rules, "functions": functions.calls, "error": error}, sys.stdout)
