import boto3

EVENT = "AuthorizeSecurityGroupEgress"
GOOD = ["-1 to 0.0.0.0/0"]


def change(name):
    ec2 = boto3.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description="mailers")["GroupId"]
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    return group


def state(group):
    rules = boto3.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return sorted(f"{r['FromPort']} to {r['CidrIpv4']}" for r in rules["SecurityGroupRules"] if r["IsEgress"])
