import boto3

EVENT = "AuthorizeSecurityGroupIngress"
GOOD = ["443 from 0.0.0.0/0"]


def change(name):
    ec2 = boto3.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description="web")["GroupId"]
    for port in (443, 22):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "web"}]}])
    return group


def state(group):
    rules = boto3.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return sorted(f"{r['FromPort']} from {r['CidrIpv4']}" for r in rules["SecurityGroupRules"] if not r["IsEgress"])
