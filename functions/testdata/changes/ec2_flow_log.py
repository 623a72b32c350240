import boto3

EVENT = "DeleteFlowLogs"
GOOD = [["ALL", "flows"]]


def prepare(_):
    """The good state, which Ebb must have seen before it can bring it back."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName="flows",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/flows")["FlowLogIds"][0]


def change(log):
    boto3.client("ec2").delete_flow_logs(FlowLogIds=[log])
    return log


def state(_):
    return [[f["TrafficType"], f["LogGroupName"]] for f in boto3.client("ec2").describe_flow_logs()["FlowLogs"]]
