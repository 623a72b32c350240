"""Says which event patterns match which events, by the matcher of Moto.

Standard input: {"patterns": {name: pattern}, "events": {name: event}}.
Standard output: the sorted names of the patterns that match, by event.
"""

import json
import sys

from moto.events.models import EventPattern, EventPatternParser

given = json.load(sys.stdin)
patterns = {}
for name, pattern in given["patterns"].items():
    raw = json.dumps(pattern)
    patterns[name] = EventPattern(raw, EventPatternParser(raw).parse())
json.dump(
    {
        name: sorted(p for p, pattern in patterns.items() if pattern.matches_event(event))
        for name, event in given["events"].items()
    },
    sys.stdout,
)
