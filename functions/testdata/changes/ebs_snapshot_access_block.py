import boto3

EVENT = "DisableSnapshotBlockPublicAccess"
GOOD = ["block-all-sharing"]


def change(_):
    boto3.client("ec2").disable_snapshot_block_public_access()
    return "snapshot-block-public-access"


def state(_):
    return [boto3.client("ec2").get_snapshot_block_public_access_state()["State"]]
