import boto3
from botocore.config import Config

EVENT = "PutBucketVersioning"
GOOD = ["Enabled"]


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def change(name):
    s3().create_bucket(Bucket=name)
    for status in ("Enabled", "Suspended"):
        s3().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    return name


def state(name):
    return [s3().get_bucket_versioning(Bucket=name).get("Status")]
