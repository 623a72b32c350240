import json

import boto3

EVENT = "PutUserPolicy"
GOOD = ["Logs"]

LOGS = {"Sid": "Logs", "Effect": "Allow", "Action": "logs:*", "Resource": "*"}
ALL = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}


def change(name):
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [LOGS, ALL]}))
    return f"{name}/inline-policy/work"


def state(policy):
    user, _, name = policy.split("/")
    return [s["Sid"] for s in boto3.client("iam").get_user_policy(UserName=user, PolicyName=name)["PolicyDocument"]["Statement"]]
