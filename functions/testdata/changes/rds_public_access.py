import boto3

EVENT = "ModifyDBInstance"
GOOD = [False, "db.t4g.micro"]


def change(name):
    # A new database is private, and making it no change of anybody's: root does it, whose calls nobody is told of.
    boto3.client("rds", aws_access_key_id="root", aws_secret_access_key="root").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="admin1", MasterUserPassword="not-a-secret", PubliclyAccessible=False)
    boto3.client("rds").modify_db_instance(DBInstanceIdentifier=name, PubliclyAccessible=True)
    return name


def state(name):
    database = boto3.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return [database["PubliclyAccessible"], database["DBInstanceClass"]]
