import boto3

EVENT = "RunInstances"
GOOD = ["running", "required", False]


def change(_):
    launch = boto3.client("ec2").run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, MetadataOptions={"HttpTokens": "optional"},
        NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": True}])
    return launch["Instances"][0]["InstanceId"]


def state(made):
    reservations = boto3.client("ec2").describe_instances(InstanceIds=[made])["Reservations"]
    i = reservations[0]["Instances"][0]
    public = "PublicIp" in i["NetworkInterfaces"][0].get("Association", {})
    return [i["State"]["Name"], i["MetadataOptions"]["HttpTokens"], public]
