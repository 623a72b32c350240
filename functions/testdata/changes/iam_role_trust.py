import json

import boto3

EVENT = "UpdateAssumeRolePolicy"
GOOD = ["EC2"]


def trust(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} for sid, principal in statements]})


def change(name):
    iam = boto3.client("iam")
    ec2 = ("EC2", {"Service": "ec2.amazonaws.com"})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(ec2))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust(ec2, ("Stranger", {"AWS": "arn:aws:iam::193672423079:root"})))
    return name


def state(role):
    return [s["Sid"] for s in boto3.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]]
