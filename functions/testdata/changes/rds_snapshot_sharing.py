import boto3

EVENT = "ModifyDBSnapshotAttribute"
GOOD = []


def change(name):
    rds = boto3.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="admin1", MasterUserPassword="not-a-secret", PubliclyAccessible=False)
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=name + "-1")
    rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=name + "-1", AttributeName="restore", ValuesToAdd=["all"])
    return name + "-1"


def state(name):
    shares = boto3.client("rds").describe_db_snapshot_attributes(DBSnapshotIdentifier=name)["DBSnapshotAttributesResult"]
    return shares["DBSnapshotAttributes"][0]["AttributeValues"]
