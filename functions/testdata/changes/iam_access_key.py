import boto3

EVENT = "CreateAccessKey"
GOOD = ["Inactive"]


def change(name):
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]


def state(key):
    iam = boto3.client("iam")
    keys = [k for u in iam.list_users()["Users"] for k in iam.list_access_keys(UserName=u["UserName"])["AccessKeyMetadata"]]
    return [k["Status"] for k in keys if k["AccessKeyId"] == key]
