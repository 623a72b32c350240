import boto3

EVENT = "CreateNetworkAclEntry"
GOOD = ["100 443", "100 egress 22"]


def change(_):
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number, port, egress in ((100, 443, False), (100, 22, True), (110, 22, False)):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=number, Egress=egress, RuleAction="allow",
            Protocol="6", PortRange={"From": port, "To": port}, CidrBlock="0.0.0.0/0")
    return acl


def state(acl):
    entries = boto3.client("ec2").describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    return sorted(f"{e['RuleNumber']} {'egress ' if e['Egress'] else ''}{e['PortRange']['From']}" for e in entries)
