import boto3
from botocore.config import Config

EVENT = "PutBucketLogging"
GOOD = ["invoices/"]


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def prepare(name):
    """The good state, which Ebb must have seen before it can bring it back."""
    s3().create_bucket(Bucket=name)
    s3().create_bucket(Bucket=name + "-logs", ACL="log-delivery-write")
    s3().put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name + "-logs", "TargetPrefix": "invoices/"}})
    return name


def change(name):
    s3().put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    return name


def state(name):
    on = s3().get_bucket_logging(Bucket=name).get("LoggingEnabled")
    return [on["TargetPrefix"]] if on else []
