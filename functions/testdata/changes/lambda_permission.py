import io
import json
import zipfile

import boto3

EVENT = "AddPermission20150331v2"
GOOD = ["Bucket"]

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def change(name):
    role = boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    code = io.BytesIO()
    zipfile.ZipFile(code, "w").close()
    lambdas = boto3.client("lambda")
    lambdas.create_function(FunctionName=name, Role=role, Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": code.getvalue()})
    grant = {"FunctionName": name, "Action": "lambda:InvokeFunction"}
    lambdas.add_permission(StatementId="Bucket", Principal="s3.amazonaws.com", SourceAccount="123456789012", **grant)
    lambdas.add_permission(StatementId="PublicInvoke", Principal="*", **grant)
    return name


def state(name):
    return [s["Sid"] for s in json.loads(boto3.client("lambda").get_policy(FunctionName=name)["Policy"])["Statement"]]
