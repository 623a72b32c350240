import boto3

EVENT = "ModifyInstanceMetadataOptions"
GOOD = ["enabled", "required", 2]


def change(_):
    # The launch is no change of anybody's: it is another function's, which is not told of what root does.
    made = boto3.client("ec2", aws_access_key_id="root", aws_secret_access_key="root").run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2})["Instances"][0]["InstanceId"]
    boto3.client("ec2").modify_instance_metadata_options(InstanceId=made, HttpTokens="optional")
    return made


def state(made):
    reservations = boto3.client("ec2").describe_instances(InstanceIds=[made])["Reservations"]
    options = reservations[0]["Instances"][0]["MetadataOptions"]
    return [options["HttpEndpoint"], options["HttpTokens"], options["HttpPutResponseHopLimit"]]
