"""Makes a bad change to a resource of its own, as any program with boto3 would.

    change.py FUNCTION NAME         makes the good state, then the bad change
    change.py FUNCTION NAME state   prints what is there now

The first prints the name that the resource goes by. Endpoint, region and
credentials are in the environment.
"""
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

GOOD = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
BAD = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def security_group(name):
    ec2 = boto3.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description="web")["GroupId"]
    for port in (443, 22):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "web"}]}])
    return group


def security_group_state(group):
    rules = boto3.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return sorted(f"{r['FromPort']} from {r['CidrIpv4']}" for r in rules["SecurityGroupRules"] if not r["IsEgress"])


def snapshot(_):
    ec2 = boto3.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    # The emulator takes this form of the call, and not the one with CreateVolumePermission.
    ec2.modify_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    return made


def snapshot_state(made):
    shares = boto3.client("ec2").describe_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission")
    return sorted(p.get("Group", p.get("UserId")) for p in shares["CreateVolumePermissions"])


def access_key(name):
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]


def access_key_state(key):
    iam = boto3.client("iam")
    keys = [k for u in iam.list_users()["Users"] for k in iam.list_access_keys(UserName=u["UserName"])["AccessKeyMetadata"]]
    return [k["Status"] for k in keys if k["AccessKeyId"] == key]


def bucket_policy(name):
    arn = f"arn:aws:s3:::{name}"
    s3().create_bucket(Bucket=name)
    statements = [{**GOOD, "Resource": [arn, arn + "/*"]}, {**BAD, "Resource": arn + "/*"}]
    s3().put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return name


def bucket_policy_state(name):
    return [s["Sid"] for s in json.loads(s3().get_bucket_policy(Bucket=name)["Policy"])["Statement"]]


def access_block(name):
    s3().create_bucket(Bucket=name)
    s3().put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True})
    return name


def access_block_state(name):
    try:
        return sorted(s3().get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].items())
    except ClientError as e:
        return [e.response["Error"]["Code"]]


CHANGES = {
    "ebs-snapshot-sharing": (snapshot, snapshot_state),
    "ec2-security-group": (security_group, security_group_state),
    "iam-access-key": (access_key, access_key_state),
    "s3-bucket-policy": (bucket_policy, bucket_policy_state),
    "s3-public-access-block": (access_block, access_block_state),
}
change, state = CHANGES[sys.argv[1]]
print(json.dumps(state(sys.argv[2])) if len(sys.argv) > 3 else change(sys.argv[2]))
