import json

import boto3
from botocore.config import Config

EVENT = "PutBucketPolicy"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def change(name):
    arn = f"arn:aws:s3:::{name}"
    s3().create_bucket(Bucket=name)
    statements = [{**KEPT, "Resource": [arn, arn + "/*"]}, {**PUBLIC, "Resource": arn + "/*"}]
    s3().put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return name


def state(name):
    return [s["Sid"] for s in json.loads(s3().get_bucket_policy(Bucket=name)["Policy"])["Statement"]]
