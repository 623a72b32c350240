"""Makes, through the trail at URL, the call that each recorded event tells of.

    replay.py URL SAMPLES

SAMPLES has a line of JSON for each: {"sample": name, "record": CloudTrail's record}.

The call's parameters are guessed back from the record with the model's help, by
names alone: upper and lower case, wrappers and list forms are forgiven, so that
nothing of how the trail writes them is in here. Each call has its sample's name
in its user agent. A line of JSON tells what became of each.
"""
import json
import os
import re
import sys
import urllib.request

import boto3
import botocore.client
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

# The services whose client has another name than the event's source.
CLIENTS = {
    "apigateway": ("apigatewayv2", "apigateway"), "elasticfilesystem": ("efs",), "elasticloadbalancing": ("elbv2", "elb"),
    "monitoring": ("cloudwatch",), "cloudhsm": ("cloudhsmv2",), "email": ("ses",), "ses": ("ses", "sesv2"),
}
# EC2's old names of parameters, and S3's.
EC2 = {
    "zone": "AvailabilityZone", "aclprotocol": "Protocol", "groupset": "SecurityGroupIds", "groupdescription": "Description",
    "blockdevicemapping": "BlockDeviceMappings",
}
S3 = {"bucketname": "Bucket", "xamzacl": "ACL", "bucketpolicy": "Policy", "xamzobjectownership": "ObjectOwnership"}
S3_WIRE = ("Host", "host", "policy", "acl", "versioning", "publicAccessBlock", "xmlns")


def plain(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def names(member, shape):
    return {plain(n) for n in (member, shape.serialization.get("name"), shape.serialization.get("queryName")) if n}


def guess(shape, value, renamed):
    kind = shape.type_name
    if kind == "structure":
        out = {}
        for key, inner in (value or {}).items():
            if key in ("tag", "xmlns"):
                continue
            want = plain(renamed.get(plain(key), key))
            found = next((m for m, s in shape.members.items() if want in names(m, s)), None)
            if found is None:
                if inner is False or inner == {}:
                    continue  # what AWS fills in
                raise KeyError(key)
            out[found] = guess(shape.members[found], inner, renamed)
        return out
    if kind == "list":
        if isinstance(value, dict) and ("items" in value or not value):
            value = value.get("items", [])
        if not isinstance(value, list):
            value = [value] if value != "" else []
        if shape.member.type_name in ("structure", "map"):
            return [guess(shape.member, v, renamed) for v in value]
        return [guess(shape.member, v.get("content", next(iter(v.values()))) if isinstance(v, dict) else v, renamed) for v in value]
    if kind == "map":
        return value
    if kind in ("integer", "long"):
        return int(value)
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "blob":
        return str(value).encode()
    return value


def minimal(shape):
    """The least that the model asks for."""
    kind = shape.type_name
    if kind == "structure":
        return {m: minimal(shape.members[m]) for m in shape.required_members}
    if kind == "list":
        return [minimal(shape.member)] * max(1, shape.metadata.get("min", 1))
    if kind == "map":
        return {}
    if kind == "timestamp":
        return 0
    if kind == "blob":
        return b"x"
    if kind == "string":
        return (shape.enum or ["x" * max(8, shape.metadata.get("min", 1))])[0]
    return {"boolean": True, "float": 1.0, "double": 1.0}.get(kind, max(1, shape.metadata.get("min", 1)))


def parameters(service, name, shape, params):
    if service == "s3":
        params = {k: v for k, v in params.items() if k not in S3_WIRE}
        return guess(shape, params, S3)
    if service != "ec2":
        return guess(shape, params, {})
    if len(params) == 1 and next(iter(params))[0].isupper():
        return guess(shape, next(iter(params.values())) or {}, {})
    params = dict(params)
    if name == "RunInstances":
        params.update(params.pop("instancesSet")["items"][0])
        params["placement"] = {k: params.pop(k) for k in ("tenancy", "availabilityZone") if k in params}
    elif "instancesSet" in params:
        params["InstanceIds"] = [i["instanceId"] for i in params.pop("instancesSet")["items"]]
    for key in ("icmpTypeCode", "attributeType"):
        params.pop(key, None)
    return guess(shape, {k: v for k, v in params.items() if v != {}}, EC2)


def find(record):
    source = record["eventSource"].split(".")[0]
    name = re.sub(r"\d{4}_?\d\d_?\d\d(v2)?$", "", record["eventName"])
    if source == "s3":
        name = {"DeleteBucketPublicAccessBlock": "DeletePublicAccessBlock", "PutBucketPublicAccessBlock": "PutPublicAccessBlock"}.get(name, name)
    for service in CLIENTS.get(source, (source,)):
        try:
            client = boto3.client(service)
        except BotoCoreError:
            continue
        if name in client.meta.service_model.operation_names:
            return service, client.meta.service_model.operation_model(name)
    return None, None


def main():
    url = sys.argv[1]
    with open(sys.argv[2], encoding="utf-8") as f:
        samples = [json.loads(line) for line in f]
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

    def make(name, record, session):
        out = {"sample": name}
        service, operation = find(record)
        if operation is None:
            return {**out, "skipped": "no such call in the models"}
        shape = operation.input_shape
        try:
            params = record.get("requestParameters")
            kwargs = minimal(shape) if denied(record) and params is None and shape else parameters(service, operation.name, shape, params or {}) if shape else {}
        except (KeyError, TypeError, ValueError) as e:
            return {**out, "skipped": f"the record has what the model has not: {e}"}
        config = botocore.client.Config(
            user_agent_extra="sample/" + name, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        client = session.client(service, endpoint_url=url, config=config)
        try:
            getattr(client, xform_name(operation.name))(**kwargs)
        except ClientError as e:
            out["error"] = e.response["Error"].get("Code", "")
            out["status"] = e.response["ResponseMetadata"]["HTTPStatusCode"]
        except ResponseParserError:
            out["error"], out["status"] = "", 500  # the emulator's own page
        except (BotoCoreError, ValueError, TypeError) as e:
            return {**out, "skipped": f"not made: {type(e).__name__}: {e}"}
        return {**out, "made": kwargs}

    def denied(record):
        return (record.get("errorCode") or "").startswith("AccessDenied")

    owner = boto3.Session(aws_access_key_id="owner", aws_secret_access_key="owner")
    iam = owner.client("iam", endpoint_url=url)
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    for s in samples:
        if not denied(s["record"]):
            print(json.dumps(make(s["sample"], s["record"], owner), default=str), flush=True)
    # From here on the emulator asks IAM, and nobody may do nothing.
    urllib.request.urlopen(urllib.request.Request(
        url + "/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"})).close()
    for s in samples:
        if denied(s["record"]):
            print(json.dumps(make(s["sample"], s["record"], nobody), default=str), flush=True)


main()
