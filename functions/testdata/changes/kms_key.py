import boto3

EVENT = "ScheduleKeyDeletion"
GOOD = "Enabled"


def change(name):
    kms = boto3.client("kms")
    key = kms.create_key(Description=name)["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return key


def state(key):
    return boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
