import json

import boto3

EVENT = "CreatePolicyVersion"
GOOD = "v1"


def document(action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def change(name):
    iam = boto3.client("iam")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("*"), SetAsDefault=True)
    return arn


def state(arn):
    return boto3.client("iam").get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
