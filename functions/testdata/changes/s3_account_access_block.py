import boto3
from botocore.exceptions import ClientError

EVENT = "PutAccountPublicAccessBlock"
GOOD = [["BlockPublicAcls", True], ["BlockPublicPolicy", True], ["IgnorePublicAcls", True], ["RestrictPublicBuckets", True]]


def account():
    return boto3.client("sts").get_caller_identity()["Account"]


def control():
    """A client that reaches the emulator by its one name: the account's id does not go before it."""
    client, before = boto3.client("s3control"), f"//{account()}."
    client.meta.events.register("before-send.s3-control", lambda request, **_: setattr(request, "url", request.url.replace(before, "//")))
    return client


def change(_):
    control().put_public_access_block(AccountId=account(), PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False})
    return account()


def state(name):
    try:
        return sorted(control().get_public_access_block(AccountId=name)["PublicAccessBlockConfiguration"].items())
    except ClientError as e:
        return [e.response["Error"]["Code"]]
