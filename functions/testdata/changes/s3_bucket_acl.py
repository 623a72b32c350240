import boto3
from botocore.config import Config

EVENT = "PutBucketAcl"
GOOD = ["FULL_CONTROL"]


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def prepare(name):
    """The new bucket is good. Its creation has an event too, which must be handled before the change."""
    s3().create_bucket(Bucket=name)
    return name


def change(name):
    s3().put_bucket_acl(Bucket=name, ACL="public-read")
    return name


def state(name):
    return sorted(g["Permission"] for g in s3().get_bucket_acl(Bucket=name)["Grants"])
