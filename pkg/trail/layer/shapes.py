"""Parameters and answers of a call in the shapes that CloudTrail gives them."""
import calendar
import json

import rules


def lower(name):
    return name[:1].lower() + name[1:]


def when(shape, value):
    """A time as most services record it: Java's default form, unless the model has its own."""
    if shape.serialization.get("timestampFormat") == "iso8601":
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    hour = value.hour % 12 or 12
    return f"{value:%b} {value.day}, {value.year}, {hour}:{value:%M:%S %p}"


class Common:
    """The form of most services: the model's members, their first letter in lower case."""

    def __init__(self, service, operation, protocol):
        self.service, self.operation = service.service_name, operation.name
        self.wire_names = protocol == "rest-json"

    def params(self, shape, values):
        return self.structure(shape, values) or None

    def structure(self, shape, values):
        out = {}
        for member, value in values.items():
            inner = shape.members.get(member)
            if inner is None:
                continue
            key = self.key(inner, member)
            if self.sensitive(inner, key):
                if self.service in rules.HIDDEN:
                    out[key] = rules.HIDDEN[self.service]
                continue
            if inner.type_name == "blob":
                continue  # no bytes are in any record
            out[key] = self.value(inner, value)
        return out

    def sensitive(self, shape, key):
        if (self.service, key) in rules.SHOWN:
            return False
        return shape.metadata.get("sensitive") or (self.service, self.operation, key) in rules.SENSITIVE

    def key(self, shape, member):
        name = member
        if self.wire_names and shape.serialization.get("location") not in ("header", "headers"):
            name = shape.serialization.get("name", member)
        return name if self.service in rules.PASCAL else lower(name)

    def value(self, shape, value):
        if value is None:
            return None
        kind = shape.type_name
        if kind == "structure":
            return value if getattr(shape, "is_document_type", False) else self.structure(shape, value)
        if kind == "list":
            return [self.value(shape.member, v) for v in value]
        if kind == "map":
            if shape.value.metadata.get("sensitive"):
                return {}
            return {k: self.value(shape.value, v) for k, v in value.items()}
        if kind == "timestamp":
            return when(shape, value)
        return value


class OldEC2(Common):
    """The form of EC2's first ten years: lists are {"items": …}, {} when empty."""

    def params(self, shape, values):
        out, rest = rules.EC2_SHAPES.get(self.operation, lambda params: ({}, params))(values)
        out.update(self.structure(shape, rest))
        for key, value in rules.EC2_DEFAULTS.get(self.operation, {}).items():
            out.setdefault(key, value)
        return out or None

    def answer(self, shape, values, request_id):
        out = {"requestId": request_id}
        out.update(self.structure(shape, values))
        if "return" in out:
            out["_return"] = out.pop("return")
        elif shape is None or not shape.members:
            out["_return"] = True
        return out

    def key(self, shape, member):
        name = lower(shape.serialization.get("name", member))
        return rules.EC2_RENAMED.get((self.operation, name), rules.EC2_RENAMED.get(("", name), name))

    def structure(self, shape, values):
        out = {}
        if shape is None:
            return out
        for member, value in values.items():
            inner = shape.members.get(member)
            if inner is None:
                continue
            key = self.key(inner, member)
            if self.sensitive(inner, key):
                out[key] = rules.HIDDEN[self.service]
            elif inner.type_name == "list":
                out[key] = self.items(key, inner, value, plain=shape.name == "TagSpecification")
            elif (self.operation, key) in rules.EC2_STRINGS:
                out[key] = str(value)
            elif key in rules.EC2_FLAGS:
                out[key] = {}
            else:
                out[key] = self.value(inner, value)
        for key in rules.EC2_DEFAULT_MEMBERS.get(shape.name, ()):
            out.setdefault(key, {})
        return out

    def items(self, key, shape, values, plain):
        item = rules.EC2_ITEM.get(key, lower(shape.member.serialization.get("name", "item")))
        entries = [v if isinstance(v, dict) else {item: v} for v in (self.value(shape.member, v) for v in values)]
        if plain:
            return entries
        return {"items": entries} if entries else {}

    def value(self, shape, value):
        if shape.type_name == "timestamp" and value is not None:
            return calendar.timegm(value.utctimetuple()) * 1000
        return super().value(shape, value)


class NewEC2:
    """The form of EC2's newer calls: the XML of request and answer, as JSON."""

    def __init__(self, operation):
        self.operation = operation.name

    def params(self, shape, values):
        wrapper = rules.EC2_WRAPPERS.get(self.operation, self.operation + "Request")
        return {wrapper: self.structure(shape, values) or ""}

    def structure(self, shape, values):
        out = {}
        for member, value in values.items():
            inner = shape.members[member]
            name = inner.serialization.get("name", member)
            key = inner.serialization.get("queryName", name[:1].upper() + name[1:])
            if inner.type_name == "list":
                entries = [self.entry(inner.member, v, i + 1) for i, v in enumerate(value)]
                out[key] = entries[0] if len(entries) == 1 else entries
            else:
                out[key] = self.value(inner, value)
        return out

    def entry(self, shape, value, tag):
        value = self.value(shape, value)
        return {**value, "tag": tag} if isinstance(value, dict) else {"content": value, "tag": tag}

    def value(self, shape, value):
        if shape.metadata.get("sensitive"):
            return rules.HIDDEN["ec2"]
        if shape.type_name == "structure":
            return self.structure(shape, value) or ""
        if shape.type_name == "timestamp":
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return value


def xml(element):
    """XML as JSON, as S3 and EC2 record it: what is repeated is a list, what is
    empty "", attributes are members, and text beside them is "content"."""
    out = {}
    namespace, _, _ = element.tag.rpartition("}")
    parent = getattr(element, "above", "")
    if namespace and namespace[1:] != parent:
        out["xmlns"] = namespace[1:]
    for key, value in element.attrib.items():
        out["xsi:" + key.rpartition("}")[2]] = value
    if any(k.startswith("xsi:") for k in out):
        out["xmlns:xsi"] = "http://www.w3.org/2001/XMLSchema-instance"
    for child in element:
        name = child.tag.rpartition("}")[2]
        inner = xml(_Below(child, namespace[1:]))
        if name in out:
            out[name] = (out[name] if isinstance(out[name], list) else [out[name]]) + [inner]
        else:
            out[name] = inner
    text = (element.text or "").strip()
    if not len(element) and not out:
        return _typed(text)
    if text and not len(element):
        out["content"] = _typed(text)
    return out


class _Below:
    """An element that knows the namespace around it."""

    def __init__(self, element, above):
        self.tag, self.attrib, self.text, self.above, self._element = element.tag, element.attrib, element.text, above, element

    def __iter__(self):
        return iter(self._element)

    def __len__(self):
        return len(self._element)


def _typed(text):
    if text in ("true", "false"):
        return text == "true"
    try:
        number = json.loads(text)
    except ValueError:
        return text
    return number if isinstance(number, (int, float)) and json.dumps(number) == text else text
