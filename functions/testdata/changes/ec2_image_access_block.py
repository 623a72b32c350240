import boto3

EVENT = "DisableImageBlockPublicAccess"
GOOD = ["block-new-sharing"]


def change(_):
    boto3.client("ec2").disable_image_block_public_access()
    return "image-block-public-access"


def state(_):
    return [boto3.client("ec2").get_image_block_public_access_state()["ImageBlockPublicAccessState"]]
