"""Prints the templates below DIR as CloudFormation gets them: a JSON object of
each template by its path in DIR, transformed by AWS's own SAM translator.

    python transform.py DIR ROOT...

Beside each ROOT come the nested stacks that it names, and theirs; their
TemplateURLs become paths in DIR. Code is where `sam package` would have put it:
the zip dist/x.zip is s3://code/x.zip.
"""

import json
import os
import sys

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def main(folder, roots):
    done, todo = {}, [os.path.normpath(root) for root in roots]
    while todo:
        path = todo.pop()
        if path in done:
            continue
        with open(os.path.join(folder, path), encoding="utf-8") as f:
            template = yaml_parse(f)
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::CloudFormation::Stack":
                child = os.path.normpath(os.path.join(os.path.dirname(path), properties["TemplateURL"]))
                properties["TemplateURL"] = child
                todo.append(child)
            if resource["Type"] == "AWS::Serverless::Function":
                properties["CodeUri"] = "s3://code/" + os.path.basename(properties["CodeUri"])
        if "Transform" in template:
            session = boto3.Session(region_name="us-east-1")
            template = Translator({}, Parser(), boto_session=session).translate(template, {})
        done[path] = template
    json.dump(done, sys.stdout, sort_keys=True, default=str)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
