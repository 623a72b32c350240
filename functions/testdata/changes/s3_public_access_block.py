import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

EVENT = "PutBucketPublicAccessBlock"
GOOD = [["BlockPublicAcls", True], ["BlockPublicPolicy", True], ["IgnorePublicAcls", True], ["RestrictPublicBuckets", True]]


def s3():
    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def change(name):
    s3().create_bucket(Bucket=name)
    s3().put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True})
    return name


def state(name):
    try:
        return sorted(s3().get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].items())
    except ClientError as e:
        return [e.response["Error"]["Code"]]
