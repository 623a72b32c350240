import json

import boto3

EVENT = "CreatePolicyVersion"
GOOD = "v1"


def document(action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def prepare(name):
    """The new policy is good. Its creation has an event too, which must be handled before the change."""
    return boto3.client("iam").create_policy(PolicyName=name, PolicyDocument=document("s3:*"))["Policy"]["Arn"]


def change(arn):
    boto3.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=document("*"), SetAsDefault=True)
    return arn


def state(arn):
    return boto3.client("iam").get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
