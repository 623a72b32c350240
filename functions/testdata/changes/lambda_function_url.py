import io
import json
import zipfile

import boto3

EVENT = "CreateFunctionUrlConfig"
GOOD = ["AWS_IAM", ["https://example.com"]]

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def change(name):
    role = boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    code = io.BytesIO()
    zipfile.ZipFile(code, "w").close()
    lambdas = boto3.client("lambda")
    lambdas.create_function(FunctionName=name, Role=role, Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": code.getvalue()})
    lambdas.create_function_url_config(FunctionName=name, AuthType="NONE", Cors={"AllowOrigins": ["https://example.com"]})
    return name


def state(name):
    url = boto3.client("lambda").get_function_url_config(FunctionName=name)
    return [url["AuthType"], url["Cors"]["AllowOrigins"]]
