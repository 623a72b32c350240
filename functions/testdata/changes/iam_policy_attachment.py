import json

import boto3

EVENT = "AttachRolePolicy"
GOOD = ["ReadOnlyAccess"]

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def change(name):
    iam = boto3.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    for policy in ("ReadOnlyAccess", "AdministratorAccess"):
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return f"{name}/attached-policy/aws:policy/AdministratorAccess"


def state(attachment):
    role = attachment.split("/")[0]
    return [p["PolicyName"] for p in boto3.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]]
