import json

import boto3

EVENT = "SetRepositoryPolicy"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicPull", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}


def change(name):
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName=name)
    ecr.set_repository_policy(repositoryName=name, policyText=json.dumps({"Version": "2012-10-17", "Statement": [KEPT, PUBLIC]}))
    return name


def state(name):
    return [s["Sid"] for s in json.loads(boto3.client("ecr").get_repository_policy(repositoryName=name)["policyText"])["Statement"]]
