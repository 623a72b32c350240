import json

import boto3

EVENT = "PutResourcePolicy"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}


def change(name):
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    secrets.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [KEPT, PUBLIC]}))
    return arn


def state(arn):
    return [s["Sid"] for s in json.loads(boto3.client("secretsmanager").get_resource_policy(SecretId=arn)["ResourcePolicy"])["Statement"]]
