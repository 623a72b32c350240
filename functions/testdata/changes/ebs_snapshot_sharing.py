import boto3

EVENT = "ModifySnapshotAttribute"
GOOD = []


def change(_):
    ec2 = boto3.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    # The emulator takes this form of the call, and not the one with CreateVolumePermission.
    ec2.modify_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    return made


def state(made):
    shares = boto3.client("ec2").describe_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission")
    return sorted(p.get("Group", p.get("UserId")) for p in shares["CreateVolumePermissions"])
