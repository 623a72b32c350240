"""Which call of which service a request makes, by AWS's own service models."""
import functools
import glob
import gzip
import json
import os
import re
from urllib.parse import unquote

import botocore
from botocore.loaders import Loader
from moto.core.model import ServiceModel

try:
    from moto.core.parse import PROTOCOL_PARSERS

    def parse(parser, request, operation):
        return parser(operation).parse(request)
except ImportError:  # Moto 5.1, for Python 3.9: it has no parsers for the REST protocols
    from moto.core.parsers import PROTOCOL_PARSERS

    def parse(parser, request, operation):
        return parser().parse({**request, "query_params": request["values"]}, operation)

import rules


@functools.lru_cache(maxsize=None)
def services():
    """The names of the services by what their requests are signed for."""
    by_signing = {}
    folder = os.path.join(os.path.dirname(botocore.__file__), "data")
    for name in sorted(os.listdir(folder)):
        versions = sorted(glob.glob(os.path.join(folder, name, "*", "service-2.json.gz")))
        if not versions:
            continue
        with gzip.open(versions[-1], "rt", encoding="utf-8") as f:
            head = f.read(4096)  # the metadata comes first
        at = head.index(":", head.index('"metadata"')) + 1
        meta, _ = json.JSONDecoder().raw_decode(head[at:].lstrip())
        by_signing.setdefault(meta.get("signingName", meta["endpointPrefix"]), []).append((name, meta))
    return by_signing


@functools.lru_cache(maxsize=None)
def model(name):
    """AWS's own model of a service: the emulator's has additions."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


class Call:
    """A call: .service and .operation are botocore's models."""

    def __init__(self, service, operation, uri, protocol):
        self.service, self.operation, self.uri, self.protocol = service, operation, uri, protocol

    def mutates(self):
        """Whether it is a management event that is not read-only."""
        name, service = self.operation.name, self.service.service_name
        if name in rules.DATA.get(service, ()) or (service == "s3" and "Key" in self.uri):
            return False
        return not rules.reads(service, name)

    def parameters(self, request):
        """The call's parameters, by the model's names; None where they can't be told."""
        parser = PROTOCOL_PARSERS.get(self.protocol)
        if parser is None or self.operation.input_shape is None:
            return {}
        return parse(parser, {
            "method": request.method, "values": request.values, "headers": request.headers, "body": request.data,
            "url_path": request.path, "url_params": self.uri,
        }, self.operation)


def find(request, scope):
    """The call that a request makes; None for one that no model knows."""
    # A few are signed for as another is: the one of that name comes first.
    candidates = sorted(services().get(scope, []), key=lambda c: c[0] != scope)
    target = request.headers.get("X-Amz-Target", "")
    if target:
        prefix, _, name = target.rpartition(".")
        return _named([n for n, meta in candidates if meta.get("targetPrefix") == prefix], name, "json")
    action, version = request.values.get("Action"), request.values.get("Version")
    if action:
        names = [n for n, meta in candidates if meta["apiVersion"] == version]
        return _named(names, action, "ec2" if names == ["ec2"] else "query")
    for name, meta in sorted(candidates, key=lambda c: (c[0] == "s3control") != request.path.startswith("/v20180820/")):
        if meta["protocol"] in ("rest-json", "rest-xml"):
            call = _routed(name, request)
            if call:
                return call
    return None


def _named(names, operation, protocol):
    for name in names:
        service = model(name)
        if operation in service.operation_names:
            return Call(service, service.operation_model(operation), {}, protocol)
    return None


@functools.lru_cache(maxsize=None)
def _routes(name):
    """The operations of a REST service: (method, pattern of the path, query, operation), the narrowest first."""
    service, out = model(name), []
    for operation in service.operation_names:
        op = service.operation_model(operation)
        path, _, query = op.http["requestUri"].partition("?")
        pattern = ""
        for part in re.split(r"(\{[^}]+\})", path.rstrip("/")):
            if part.startswith("{"):
                label = part[1:-1]
                pattern += "(?P<%s>%s)" % (re.sub(r"\W", "_", label.rstrip("+")), ".+" if label.endswith("+") else "[^/]+")
            else:
                pattern += re.escape(part)
        needed = [q.partition("=")[::2] for q in query.split("&") if q]
        headers = [
            s.serialization["name"] for m, s in (op.input_shape.members if op.input_shape else {}).items()
            if m in op.input_shape.required_members and s.serialization.get("location") == "header"
        ]
        out.append((op.http["method"], re.compile(pattern + "/?$"), needed, headers, operation))
    out.sort(key=lambda r: (-len(r[2]), -len(r[3]), r[1].groups, -len(r[1].pattern)))
    return service, out


def _routed(name, request):
    service, routes = _routes(name)
    # The path as it was sent: an encoded slash is part of a name.
    path = request.environ.get("RAW_URI", request.path).partition("?")[0]
    for method, pattern, needed, headers, operation in routes:
        if method != request.method:
            continue
        if not all(k in request.args and v in ("", request.args[k]) for k, v in needed):
            continue
        if not all(h in request.headers for h in headers):
            continue
        match = pattern.match(path)
        if match:
            uri = {k: unquote(v) for k, v in match.groupdict().items()}
            return Call(service, service.operation_model(operation), uri, service.metadata["protocol"])
    return None
