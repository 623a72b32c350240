import boto3

EVENT = "DisableEbsEncryptionByDefault"
GOOD = [True, "alias/aws/ebs"]


def change(_):
    boto3.client("ec2").disable_ebs_encryption_by_default()
    return "ebs-encryption-by-default"


def state(_):
    ec2 = boto3.client("ec2")
    return [ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"], ec2.get_ebs_default_kms_key_id()["KmsKeyId"]]
