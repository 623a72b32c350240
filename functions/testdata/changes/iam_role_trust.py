import json

import boto3

EVENT = "UpdateAssumeRolePolicy"
GOOD = ["EC2"]

EC2 = ("EC2", {"Service": "ec2.amazonaws.com"})


def trust(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} for sid, principal in statements]})


def prepare(name):
    """The new role is good. Its creation has an event too, which must be handled before the change."""
    boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust(EC2))
    return name


def change(name):
    boto3.client("iam").update_assume_role_policy(
        RoleName=name, PolicyDocument=trust(EC2, ("Stranger", {"AWS": "arn:aws:iam::193672423079:root"})))
    return name


def state(role):
    return [s["Sid"] for s in boto3.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]]
