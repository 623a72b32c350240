import boto3

EVENT = "CreateRoute"
GOOD = ["10.0.0.0/16 local"]


def change(_):
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=[
        {"ResourceType": "subnet", "Tags": [{"Key": "Network", "Value": "Private"}]}])["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return table


def state(table):
    routes = boto3.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return sorted(f"{r['DestinationCidrBlock']} {r['GatewayId'].split('-')[0]}" for r in routes)
