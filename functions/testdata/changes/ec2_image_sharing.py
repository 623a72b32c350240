import boto3

EVENT = "ModifyImageAttribute"
GOOD = ["444455556666"]


def change(name):
    ec2 = boto3.client("ec2")
    made = ec2.register_image(Name=name)["ImageId"]
    ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"UserId": "444455556666"}]})
    ec2.modify_image_attribute(ImageId=made, Attribute="launchPermission", OperationType="add", UserGroups=["all"])
    return made


def state(made):
    shares = boto3.client("ec2").describe_image_attribute(ImageId=made, Attribute="launchPermission")
    return sorted(p.get("Group", p.get("UserId")) for p in shares["LaunchPermissions"])
