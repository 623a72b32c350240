"""The trail: a WSGI layer in front of the emulator.

It hands each request on as it is and each answer back as it is. For a call that
changes something it prints, before the caller has its answer, the event that
EventBridge would deliver: one line of JSON. What it can't record it says in a
line {"trailError": …}: that never fails the call.
"""
import datetime
import io
import json
import threading
import traceback
import uuid
from xml.etree import ElementTree

from botocore.parsers import ResponseParserError, create_parser
from werkzeug.wrappers import Request

import calls
import identity
import rules
import shapes


def wrap(app, out, precise=False):
    """app with the trail in front, that prints to out. precise gives times with milliseconds, which
    CloudTrail's have not: for who wants to see how long something took."""
    lock = threading.Lock()

    def emit(value):
        with lock:
            out.write(json.dumps(value) + "\n")
            out.flush()

    def layer(environ, start_response):
        body = _body(environ)
        request = Request({**environ, "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True})
        now = datetime.datetime.now(datetime.timezone.utc)
        call, who = None, None
        try:
            who = identity.Caller(request)
            call = calls.find(request, who.scope)
            # The one who calls, as it is before the call: it may delete its own key.
            caller = who.identity() if call and call.mutates() else None
        except Exception:
            caller = None
            emit({"trailError": traceback.format_exc()})
        if caller is None:
            return app(environ, start_response)
        answer = {}

        def started(status, headers, exc_info=None):
            answer.update(status=status, headers=headers)
            return start_response(status, headers, exc_info)

        chunks = app(environ, started)
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        try:
            emit(_event(call, request, body, who, caller, answer, content, now, precise))
        except Exception:
            emit({"trailError": f"{call.service.service_name} {call.operation.name}: {traceback.format_exc()}"})
        return [content]

    return layer


def _body(environ):
    """Reads the request's body, and puts it back for who comes next."""
    if environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _event(call, request, body, who, caller, answer, content, now, precise):
    service, operation = call.service, call.operation
    prefix = service.metadata["endpointPrefix"]
    prefix = prefix[4:] if prefix.startswith("api.") else prefix
    source = rules.SOURCES.get(prefix, prefix)
    region = "us-east-1" if service.service_name in rules.GLOBAL else who.region
    time = now.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (now.microsecond // 1000) if precise else now.strftime("%Y-%m-%dT%H:%M:%SZ")
    status = int(answer["status"].split()[0])
    headers = {k.lower(): v for k, v in answer["headers"]}
    try:
        result = create_parser(call.protocol).parse(
            {"status_code": status, "headers": headers, "body": content}, operation.output_shape)
    except ResponseParserError:
        if status < 500:
            raise
        result = {"Error": {"Code": "InternalFailure"}}  # the emulator's own page
    request_id = result.pop("ResponseMetadata", {}).get("RequestId")
    if request_id in (None, "", "request-id"):  # the emulator's EC2 gives all calls this one
        request_id = str(uuid.uuid4())
    error = result.get("Error") if status >= 300 else None
    if error and error.get("Code") in (None, "", str(status)):
        # The emulator denies a call of any service in IAM's form.
        error["Code"] = "AccessDenied" if status == 403 else str(status)
    params, response = _shaped(call, request, body, result, content, error, request_id)
    detail = {
        "eventVersion": "1.11",
        "userIdentity": caller,
        "eventTime": time,
        "eventSource": source + ".amazonaws.com",
        "eventName": _name(service, operation),
        "awsRegion": region,
        "sourceIPAddress": request.remote_addr or "127.0.0.1",
        "userAgent": request.headers.get("User-Agent", ""),
    }
    if error:
        code = error["Code"]
        if service.service_name == "ec2":
            code = ("Client." if status < 500 else "Server.") + code
        detail["errorCode"] = code
        detail["errorMessage"] = error.get("Message", "")
    detail["requestParameters"] = params
    detail["responseElements"] = response
    if service.service_name == "s3":
        detail["userAgent"] = f"[{detail['userAgent']}]"
        detail["additionalEventData"] = {
            "SignatureVersion": "SigV4", "bytesTransferredIn": len(body), "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": headers.get("x-amz-id-2", request_id), "bytesTransferredOut": len(content),
        }
    detail.update({"requestID": request_id, "eventID": str(uuid.uuid4()), "readOnly": False})
    if "Bucket" in call.uri and service.service_name == "s3":
        detail["resources"] = [{
            "accountId": who.account, "type": "AWS::S3::Bucket", "ARN": f"arn:{who.partition}:s3:::{call.uri['Bucket']}",
        }]
    detail.update({
        "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": who.account, "eventCategory": "Management",
    })
    return {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS API Call via CloudTrail", "source": "aws." + source,
        "account": who.account, "time": time, "region": region, "resources": [], "detail": detail,
    }


def _name(service, operation):
    name = rules.NAMES.get(service.service_name, {}).get(operation.name, operation.name)
    if service.service_name == "lambda":
        date = operation.http["requestUri"][1:11]
        if date in rules.LAMBDA_DATED:
            return name + date.replace("-", "") + ("v2" if name in rules.LAMBDA_V2 else "")
    return name


def _shaped(call, request, body, result, content, error, request_id):
    """requestParameters and responseElements."""
    service, operation = call.service, call.operation
    if service.service_name == "s3":
        return _s3(call, request, body), None
    values = call.parameters(request)
    if service.service_name == "ec2":
        values.pop("DryRun", None)
        if not rules.ec2_is_old(operation):
            params = shapes.NewEC2(operation).params(operation.input_shape, values)
            if error:
                return params, None
            root = ElementTree.fromstring(content)
            return params, {root.tag.rpartition("}")[2]: shapes.xml(root)}
        form = shapes.OldEC2(service, operation, call.protocol)
        params = form.params(operation.input_shape, values)
        return params, None if error else form.answer(operation.output_shape, result, request_id)
    form = shapes.Common(service, operation, call.protocol)
    params = form.params(operation.input_shape, values) if operation.input_shape else None
    if error:
        if service.service_name in rules.OPEN_WHEN_DENIED:
            return params, {"message": error.get("Message", "")}
        if error["Code"] in rules.DENIED and (service.service_name, operation.name) not in rules.DENIED_WITH_PARAMETERS:
            return None, None
        return params, None
    return params, form.params(operation.output_shape, result) if operation.output_shape else None


def _s3(call, request, body):
    """The request as it came in: bucket, host, query, the call's headers, and its
    document, a policy as the JSON that it is, all else as the JSON of its XML."""
    host = request.host.partition(":")[0]
    out = {}
    if "Bucket" in call.uri:
        out["bucketName"] = call.uri["Bucket"]
    out["Host"] = host
    for key, value in request.args.items():
        if key != "x-id" and not key.startswith("X-Amz-"):
            out[key] = value
    shape = call.operation.input_shape
    for member in (shape.members.values() if shape else ()):
        name = member.serialization.get("name", "")
        known = member.serialization.get("location") == "header" and not name.lower().startswith(rules.S3_NO_PARAMETER)
        if known and name in request.headers:
            out[name] = request.headers[name]
    if body.lstrip().startswith(b"<"):
        root = ElementTree.fromstring(body)
        out[root.tag.rpartition("}")[2]] = shapes.xml(root)
    elif body and "policy" in request.args:
        try:
            out["bucketPolicy"] = json.loads(body)
        except ValueError:
            out["bucketPolicy"] = {}
    return out
